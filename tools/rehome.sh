#!/usr/bin/env bash
# rehome.sh MODULE: gives this module the path under which it will be fetched, such as
# example.org/you/heavytail, in go.mod, in every import and in README's program. Run it
# in a clean clone, look at git diff, commit.
set -euo pipefail
home=${1:?usage: tools/rehome.sh example.org/you/heavytail}
cd "$(git rev-parse --show-toplevel)"
old=$(go list -m)
dirs=$(git ls-files | awk -F/ 'NF > 1 && $1 !~ /^\./ { print $1 }' | sort -u | paste -sd'|')
go mod edit -module "$home"
# Paths of packages wherever they are quoted; the root's only where it is imported, as
# its name is also the program's.
git ls-files -z -- '*.go' README.md | xargs -0 sed -i -E \
	-e "s#\"$old/($dirs)([\"/.])#\"$home/\1\2#g" \
	-e "s#^(import |	)(([A-Za-z_.][A-Za-z0-9_]* )?)\"$old\"\$#\1\2\"$home\"#"
sed -i "s#$old@v0.0.0#$home@v0.0.0#; s#-replace $old=#-replace $home=#" README.md
gofmt -w $(git diff --name-only -- '*.go')
go build ./...
