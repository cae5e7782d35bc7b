echo "{\"greeting\": \"$NAME of $PLACE\"}"
