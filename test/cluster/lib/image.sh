# shellcheck shell=bash
# Images: layers that build leaves on disk, pushed when there is a registry.

# layer NAME EXECUTABLE: make NAME.tgz with the executable as /app/main.
layer() {
  local dir
  dir=$(mktemp -d "$LAYERS/.tmp.XXXXXX")
  install -D -m 0755 "$2" "$dir/app/main"
  pack "$1" "$dir"
}

# clear_half_made removes what a build left that was killed: folders, with what debootstrap had mounted
# in them. The caller has the lock, so nobody is at work there.
clear_half_made() {
  local dir mounted
  for dir in "$LAYERS"/.tmp.*; do
    [[ -d $dir ]] || continue
    awk -v under="$dir/" 'index($5, under) == 1 {print $5}' /proc/self/mountinfo | sort -r |
      while read -r mounted; do umount "$mounted" || umount -l "$mounted"; done
    rm -rf --one-file-system "$dir" || echo "cluster: $dir is left" >&2
  done
}

# base_layer: what every image of one executable needs around it.
base_layer() {
  local dir
  dir=$(mktemp -d "$LAYERS/.tmp.XXXXXX")
  mkdir -p "$dir"/{etc/ssl/certs,home/nonroot,tmp}
  chmod 1777 "$dir/tmp"
  printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'nonroot:x:65532:65532::/home/nonroot:/sbin/nologin' >"$dir/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$dir/etc/group"
  cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/"
  pack base "$dir"
}

# pack NAME DIR: the layer NAME.tgz and, as its tag, a hash of it; DIR goes.
pack() {
  tar -C "$2" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c . | gzip -1n >"$LAYERS/$1.tgz"
  rm -rf "$2"
  sha256sum <"$LAYERS/$1.tgz" | cut -c1-12 >"$LAYERS/$1.tag"
}

# ref NAME: where the image of a layer goes.
ref() { echo "$REGISTRY/$1:$(<"$LAYERS/$1.tag")"; }

has_image() { crane digest "$1" >/dev/null 2>&1; }

platform() { echo "linux/$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')"; }

# push_base: the image that others are appended to, with their whole config.
push_base() {
  local image
  image=$(ref base)
  if has_image "$image"; then return; fi
  crane append --oci-empty-base -f "$LAYERS/base.tgz" -t "$image-raw"
  crane mutate "$image-raw" -t "$image" --set-platform "$(platform)" --entrypoint /app/main \
    --user 65532:65532 --workdir /home/nonroot --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
}

# push_layer NAME
push_layer() {
  local image
  image=$(ref "$1")
  has_image "$image" || crane append -b "$(ref base)" -f "$LAYERS/$1.tgz" -t "$image"
}

# push_kit [--eventing]: everything that up needs in the registry.
push_kit() {
  local name
  push_base
  for name in pause ingress hello "${SERVING[@]/#/serving-}"; do push_layer "$name"; done
  if [[ ${1:-} == --eventing ]]; then
    for name in "${EVENTING[@]/#/eventing-}"; do push_layer "$name"; done
  fi
  crane copy "$(ref hello)" "$REGISTRY/hello:0"
  for name in "$LAYERS"/debian-*.tag; do
    name=${name##*/debian-}
    if [[ -e $LAYERS/debian-$name ]]; then push_debian "${name%.tag}"; fi
  done
}

# push_debian NAME: NAME:0, which has no entrypoint.
push_debian() {
  crane append --oci-empty-base -f "$LAYERS/debian-$1.tgz" -t "$REGISTRY/$1:raw"
  crane mutate "$REGISTRY/$1:raw" -t "$REGISTRY/$1:0" --set-platform "$(platform)" --user 65532:65532 \
    --env PATH=/usr/local/bin:/usr/bin:/bin
}

# quietly COMMAND...: its output only matters if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || {
    printf '%s\n' "$output" >&2
    return 1
  }
}

cmd_push() {
  (($# == 2)) || die "usage: cluster push NAME[:TAG] EXECUTABLE|TARBALL|OCI-LAYOUT"
  local name=$1 file=$2 image dir
  [[ -e $file ]] || die "no such file: $file"
  need_commands crane
  has_image "$(ref base)" || die "no registry at $REGISTRY (try: cluster up)"
  if [[ $name != *:* ]]; then name+=:latest; fi
  image=$REGISTRY/$name

  if [[ -d $file ]]; then
    quietly crane push "$file" "$image"
  elif [[ $(head -c 4 "$file" | tr -d '\0') == $'\x7fELF' ]]; then
    dir=$(mktemp -d)
    LAYERS=$dir layer main "$file"
    quietly crane append -b "$(ref base)" -f "$dir/main.tgz" -t "$image"
    rm -rf "$dir"
  elif tar -tf "$file" manifest.json >/dev/null 2>&1; then
    quietly crane push "$file" "$image"
  else
    die "$file is neither an ELF executable, nor an image tarball (docker save), nor an OCI layout"
  fi
  echo "${image%:*}@$(crane digest "$image")"
}

# cmd_debian_image: debootstrap takes its default mirror unless
# CLUSTER_DEBIAN_MIRROR names another.
cmd_debian_image() {
  (($# >= 2)) || die "usage: cluster debian-image NAME PACKAGE..."
  need_root debian-image
  need_commands tar gzip
  lock
  clear_half_made
  local name=$1 packages log=$LOGS/debian-image-$1.log dir suite
  shift
  packages=$(IFS=, && echo "$*")
  mkdir -p "$LAYERS" "$STAMPS"
  if [[ ! -e $LAYERS/debian-$name.tgz || $(cat "$STAMPS/debian-$name" 2>/dev/null) != "$packages" ]]; then
    if ! command -v debootstrap >/dev/null; then
      quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap
    fi
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    dir=$(mktemp -d "$LAYERS/.tmp.XXXXXX")
    chmod 0755 "$dir"
    debootstrap --variant=minbase --include="ca-certificates,$packages" "$suite" "$dir" \
      ${CLUSTER_DEBIAN_MIRROR:+"$CLUSTER_DEBIAN_MIRROR"} >"$log" 2>&1 || die_with_log "$log" "debootstrap failed"
    rm -rf "$dir"/var/cache/apt/* "$dir"/var/lib/apt/lists/* "$dir"/usr/share/{doc,man,locale}/* "${dir:?}"/dev/*
    pack "debian-$name" "$dir"
    echo "$packages" >"$STAMPS/debian-$name"
    say "layer of $name: $(du -h "$LAYERS/debian-$name.tgz" | cut -f1)"
  fi
  if alive registry; then
    push_debian "$name" >"$log" 2>&1 || die_with_log "$log" "push of $name:0 failed"
    say "pushed $REGISTRY/$name:0"
  fi
}
