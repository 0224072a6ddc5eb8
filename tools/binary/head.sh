#!/bin/sh
# CityChat @VERSION@ in one file: Python, libraries, page and gazetteer are packed behind these lines. The first start
# unpacks them into a folder that later starts find; then this process becomes the program.
# The folder: systemd's CacheDirectory, XDG_CACHE_HOME, ~/.cache, or this user's own under TMPDIR or /tmp.
set -eu
mark=citychat-@VERSION@-@DIGEST@ # another build unpacks beside it

# Whether all is there, by number and bytes of the files: a power cut or a tidier of /tmp may have taken some.
is_whole() {
    [ -x "$1/citychat" ] && [ -O "$1/" ] &&
        [ "$(find "$1/" -type f -exec ls -ln {} + | awk '{ bytes += $5 } END { print NR, bytes }')" = "@FILES@ @BYTES@" ]
}

unpack() {
    umask 077
    fresh=$(mktemp -d "$1/$mark.XXXXXX") || return
    { tail -c +@HEAD_BYTES@ "$0" | gzip -dc | tar -xof - -C "$fresh" && is_whole "$fresh"; } || { rm -rf "$fresh"; return 1; }
    # In one step, because several processes may start at once: the first wins. What is damaged is led to no more; with
    # GNU's ln there is no moment without a link.
    ln -sn "$fresh" "$1/$mark" && return
    if is_whole "$1/$mark"; then rm -rf "$fresh"; else ln -sfn "$fresh" "$1/$mark"; fi
}

own=${TMPDIR:-/tmp}/citychat-$(id -u)
for cache in "${CACHE_DIRECTORY:-}" "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/citychat}" "${HOME:+$HOME/.cache/citychat}" "$own"; do
    [ -n "$cache" ] && (umask 077 && mkdir -p "$cache") 2>/dev/null && [ -O "$cache" ] || continue
    # A link there could be somebody else's, who turns it later. systemd's own folder is one, and nobody else's.
    [ "$cache" != "$own" ] || [ ! -L "$cache" ] || continue
    is_whole "$cache/$mark" || (unpack "$cache") 2>/dev/null || continue
    exec "$cache/$mark/citychat" "$@"
done
for tool in awk find gzip mktemp tar; do
    command -v $tool >/dev/null || { echo "citychat: cannot unpack: there is no $tool on this system" >&2; exit 1; }
done
echo "citychat: cannot unpack: 40 MB are needed in a folder that this user may write, CACHE_DIRECTORY=/folder names one" >&2
exit 1
