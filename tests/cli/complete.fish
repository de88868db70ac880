# Prints what completion of the line offers, the cursor being at its end, with descriptions.
#
# Usage: fish --no-config complete.fish SCRIPT LINE
source $argv[1]
complete -C $argv[2]
