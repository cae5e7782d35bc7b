#!/bin/bash
args=$(cat)
case ${args:0:4096} in
*'"do":"print"'*)
	echo hello stdout
	echo hello stderr >&2 ;;
*'"do":"winter"'*)
	delimiter=${args#*'"delimiter":"'}
	winter="❄ ${delimiter%%'"'*} ☃"
	echo "$winter"
	echo "{\"winter\":\"$winter\"}"
	exit ;;
*'"do":"env"'*)
	out=
	while IFS= read -r key; do
		case $key in __OW_*)
			short=${key#__OW_}
			out="$out,\"${short,,}\":\"${!key}\"" ;;
		esac
	done < <(compgen -e)
	echo "{${out#,}}"
	exit ;;
*'"do":"start"'*)
	echo "{\"seen\":\"$K\",\"empty\":\"${EMPTY-unset}\"}"
	exit ;;
*'"do":"answer"'*)
	answer=${args#*'"answer":'}
	echo "${answer%'}'}"
	exit ;;
*'"do":"text"'*)
	echo text
	exit ;;
*'"do":"process"'*)
	echo "{\"pid\":\"$$\",\"argument\":\"${#1}\",\"input\":\"${#args}\"}"
	exit ;;
*'"do":"exit"'*) exit 1 ;;
esac
echo "$args"
