#!/bin/sh
# A stand-in for `crontab`: the table is the file that TABLE names; it starts nothing.
case "$1" in
-l) [ -f "$TABLE" ] && cat "$TABLE" || { echo "no crontab for user" >&2; exit 1; } ;;
-) cat > "$TABLE.new"; grep -q forbidden "$TABLE.new" && { echo "bad entry" >&2; exit 1; }
   mv "$TABLE.new" "$TABLE" ;;
*) exit 2 ;;
esac
