#!/usr/bin/env bash
# Counts the instructions that an arm64 program executes, by function:
#
#	tools/qemucount.sh OUT PROGRAM ARGUMENTS…
#
# runs the program in qemu-aarch64 with a plugin and writes to OUT a line for
# each function, instructions first. The plugin is compiled here, against the
# header qemu-plugin.h of Debian's source of the qemu that is installed (24 MB, got by
# apt-get source into build, ignored by git); QEMU_INC names the folder of
# another. Neither header nor plugin is committed. Without an argument it only
# makes the plugin. It fails with the reason where it cannot.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
self=$PWD/tools/qemucount.sh
need() { command -v "$1" >/dev/null || { echo "$1 is missing (Debian: $2)" >&2; exit 1; }; }
need qemu-aarch64 qemu-user
need cc gcc
dir=$PWD/build/qemucount
mkdir -p "$dir"

# header sets inc to the folder of qemu-plugin.h.
header() {
	inc=${QEMU_INC-$dir/include}
	[ ! -e "$inc/qemu-plugin.h" ] || return 0
	[ -z "${QEMU_INC-}" ] || { echo "no qemu-plugin.h in $inc" >&2; exit 1; }
	need apt-get apt
	need xz xz-utils
	local version tmp opt
	version=$(dpkg-query -W -f '${source:Version}' qemu-user 2>/dev/null) || { echo "qemu-user is not Debian's: give its header's folder in QEMU_INC" >&2; exit 1; }
	tmp=$(mktemp -d)
	trap "rm -rf '$tmp'" EXIT
	# the sources of where the packages come from, in lists of our own
	apt-get indextargets --format '$(TARGET_OF)-src $(REPO_URI) $(RELEASE) $(COMPONENT)' | grep '^deb-src ' | sort -u >"$tmp/list" || true
	[ -s "$tmp/list" ] || { echo "apt-get knows no archive here: apt-get update" >&2; exit 1; }
	mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial"
	opt=(-qq -o "Dir::Etc::sourcelist=$tmp/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$tmp/lists" -o "Dir::Cache=$tmp/cache" -o APT::Sandbox::User=root)
	(cd "$tmp" && apt-get "${opt[@]}" update && {
		apt-get "${opt[@]}" source --download-only --only-source "qemu=$version" ||
			apt-get "${opt[@]}" source --download-only --only-source qemu
	}) >"$dir/apt.log" 2>&1 || { tail -n 2 "$dir/apt.log" >&2; echo "Debian's source of qemu cannot be had here" >&2; exit 1; }
	mkdir -p "$inc"
	tar -xJf "$tmp"/qemu_*.orig.tar.xz -C "$inc" --strip-components 3 --wildcards '*/include/qemu/qemu-plugin.h'
}

if [ ! "$dir/count.so" -nt "$self" ]; then
	header
	cat >"$dir/count.c" <<'C'
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

// A counter for each function, found by the text of its name.
struct counter {
	struct counter *next;
	char *name;
	uint64_t n;
};
static struct counter *counters[4096];
static const char *out;

static struct counter *of(const char *name)
{
	unsigned h = 5381;
	for (const char *s = name; *s; s++)
		h = h * 33 + (unsigned char)*s;
	struct counter **p = &counters[h % 4096];
	for (; *p; p = &(*p)->next)
		if (!strcmp((*p)->name, name))
			return *p;
	*p = calloc(1, sizeof **p);
	(*p)->name = strdup(name);
	return *p;
}

// A block's instructions count for the function that its first one is of. Code
// is translated by one thread at a time.
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0));
	struct counter *c = of(name ? name : "?");
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &c->n, qemu_plugin_tb_n_insns(tb));
}

static void finish(qemu_plugin_id_t id, void *p)
{
	FILE *f = fopen(out, "w");
	if (!f)
		return;
	for (int i = 0; i < 4096; i++)
		for (struct counter *c = counters[i]; c; c = c->next)
			if (c->n)
				fprintf(f, "%" PRIu64 " %s\n", c->n, c->name);
	fclose(f);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
C
	cc -shared -fPIC -O2 -I "$inc" -o "$dir/count.so.new" "$dir/count.c" >&2
	mv "$dir/count.so.new" "$dir/count.so"
fi
[ $# -gt 0 ] || exit 0
out=$1
shift
case $out in /*) ;; *) out=$from/$out ;; esac
cd "$from"
exec env GODEBUG=asyncpreemptoff=1 qemu-aarch64 -plugin "$dir/count.so,out=$out" "$@"
