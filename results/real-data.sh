#!/usr/bin/env bash
# Fetches the data of `heavytail-lab run real` and writes them as CSV files
# of one column into DIR (default: runs/real-data, which git ignores):
#
#   danish.csv   2167 fire insurance claims, millions of kroner, 1980-1990
#   bmw.csv      6146 daily logarithmic returns of BMW shares, 1973-1996
#                (both from Debian's r-cran-fextremes, GPL)
#   sp500.csv    daily logarithmic returns of the S&P 500, 2000-2020
#   quakes.csv   10^(magnitude/2), which the length of the rupture goes with, of
#                a week of earthquakes of magnitude 1 and above
#   precip.csv   annual precipitation, mm, of the cells of a one-degree grid
#                (these from the npm package vega-datasets: the quakes and the
#                grid are public domain in the United States; for the quotes no
#                licence is stated, so none of the data is kept in this project)
#
# Needs apt-get and dpkg (Debian), npm, tar and python3. R is not needed.
#
#   bash results/real-data.sh [DIR]
set -euo pipefail
out=$(mkdir -p "${1:-runs/real-data}" && cd "${1:-runs/real-data}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
cd "$tmp"
apt-get download r-cran-fextremes >/dev/null 2>&1 ||
	{ echo "apt-get download r-cran-fextremes failed: run apt-get update, then this again" >&2; exit 1; }
dpkg -x r-cran-fextremes_*.deb deb
npm pack --silent vega-datasets@3.2.1 >/dev/null
tar xzf vega-datasets-*.tgz
python3 - deb/usr/lib/R/site-library/fExtremes/data package/data "$out" <<'PY'
import csv, gzip, json, math, struct, sys, zlib

r_data, vega, out = sys.argv[1:]


class Serialized:
    """Reads R's serialization format (XDR, versions 2 and 3) as far as vectors,
    lists, factors and data frames need it; a value is (content, attributes)."""

    def __init__(self, data):
        self.data, self.at, self.symbols = data, 0, []
        assert self.take(2) == b"X\n", "not R's binary format"
        version = self.int()
        self.take(8)
        if version == 3:
            self.take(self.int())  # name of the encoding

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def int(self):
        return struct.unpack(">i", self.take(4))[0]

    def item(self):
        flags = self.int()
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind == 254:  # NULL
            return None, {}
        if kind == 255:  # a symbol that was there before
            return self.symbols[(flags >> 8) - 1], {}
        if kind == 1:  # a symbol
            self.symbols.append(self.item()[0])
            return self.symbols[-1], {}
        if kind == 2:  # a pair list: of attributes
            pairs = {}
            tag = self.item()[0] if has_tag else None
            pairs[tag] = self.item()
            rest = self.item()[0]
            return {**pairs, **(rest or {})}, {}
        if kind == 9:  # characters
            n = self.int()
            return (None if n < 0 else self.take(n).decode("latin1")), {}
        if kind in (10, 13):  # logical, integer
            n = self.int()
            value = struct.unpack(">%di" % n, self.take(4 * n))
        elif kind == 14:  # real
            n = self.int()
            value = struct.unpack(">%dd" % n, self.take(8 * n))
        elif kind in (16, 19):  # strings, list
            value = [self.item() for _ in range(self.int())]
        else:
            raise SystemExit("R object of kind %d at byte %d is not supported" % (kind, self.at))
        return value, (self.item()[0] if has_attributes else {})


def names(attributes):
    return [name for name, _ in attributes["names"][0]]


with gzip.open(r_data + "/Rdata.rdx") as f:
    (places, attributes), *_ = Serialized(f.read()).item()[0]
with open(r_data + "/Rdata.rdb", "rb") as f:
    store = f.read()


def column(name, want):
    """One column of a data frame of the package."""
    start, length = dict(zip(names(attributes), places))[name][0]
    block = store[start:start + length]
    if block[4:5] == b"Z" or block[4:5] == b"2":
        raise SystemExit("the package's data are compressed with xz or bzip2, not zlib")
    frame, about = Serialized(zlib.decompress(block[4:])).item()
    return dict(zip(names(about), frame))[want][0]


def returns(prices):
    return [math.log(b / a) for a, b in zip(prices, prices[1:])]


def write(name, values):
    with open(out + "/" + name + ".csv", "w") as f:
        f.writelines("%.9g\n" % v for v in values)
    print("%-8s %6d values, %.4g to %.4g" % (name, len(values), min(values), max(values)))


write("danish", column("danishClaims", "DANISH"))
write("bmw", column("bmwRet", "BMW.RET"))
with open(vega + "/sp500-2000.csv") as f:
    write("sp500", returns([float(row["close"]) for row in csv.DictReader(f)]))
with open(vega + "/earthquakes.json") as f:
    quakes = [q["properties"] for q in json.load(f)["features"]]
quakes = [q["mag"] for q in quakes if q["type"] == "earthquake" and q["mag"] is not None and q["mag"] >= 1]
write("quakes", [10 ** (m / 2) for m in quakes])
with open(vega + "/annual-precip.json") as f:
    write("precip", json.load(f)["values"])
PY
