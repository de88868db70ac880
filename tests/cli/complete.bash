# Prints what completion of the words behind it offers, the cursor being at the last's end.
#
# Usage: bash --norc complete.bash SCRIPT WORD...
set -u
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_mayfly
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
