# Prints what completion of the line offers, the cursor being at its end. Completion exists only where
# a line is edited, so a shell on a terminal of its own (zpty) does that.
#
# Usage: zsh -f complete.zsh SCRIPT LINE FOLDER, of which the last is for files of its own
zmodload zsh/zpty
export SCRIPT=$1 LINE=$2 FOLDER=$3 ZDOTDIR=$3
: >$FOLDER/found
cat >$FOLDER/.zshrc <<'RC'
autoload -Uz compinit
compinit -u -d $FOLDER/dump
source $SCRIPT
zstyle ':completion:*' insert-tab false
# What is offered, once it is known; those calls that only ask are left alone.
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a __found
    builtin compadd -A __found "$@"
    ((${#__found})) && print -rl -- $__found >>$FOLDER/found
  fi
  builtin compadd "$@"
}
zle-line-init() {
  BUFFER=$LINE CURSOR=${#LINE}
  zle complete-word
  exit
}
zle -N zle-line-init
RC
zpty shell zsh -d -i
while zpty -r shell line; do :; done
cat $FOLDER/found
