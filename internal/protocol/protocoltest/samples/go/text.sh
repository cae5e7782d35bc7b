#!/bin/bash
# An executable that speaks ActionLoop by itself.
[ -z "$__OW_WAIT_FOR_ACK" ] || echo '{"ok":true}' >&3
while read -r line; do echo '"text"' >&3; done
