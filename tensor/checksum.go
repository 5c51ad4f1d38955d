package tensor

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
)

// SumsKey is the entry of a file's metadata that holds its checksums: a JSON
// object of the names of its tensors and the CRC-32C of the type, the shape and the
// bytes of each, and under the empty name that of the other metadata. It is a CRC
// because the aim is to see damage, not forgery, and this one because processors
// compute it: 4.9 GB/s on a busy machine whose float32 numbers were read at under
// 1 GB/s. There is one per tensor so that who needs some of them reads no more.
const SumsKey = "heavytail.crc32c"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a tensor: of "F32 [2 3]" and its bytes.
func sum(d DType, shape []int, raw []byte) string {
	return fmt.Sprintf("%08x", crc32.Update(head(d, shape), castagnoli, raw))
}

// head is the checksum of what comes before the values.
func head(d DType, shape []int) uint32 {
	return crc32.Checksum(fmt.Append(nil, d, " ", shape), castagnoli)
}

// metadataSum is the checksum of metadata but for the checksums.
func metadataSum(m map[string]string) string {
	var text []byte
	for _, k := range slices.Sorted(maps.Keys(m)) {
		text = append(append(append(append(text, k...), 0), m[k]...), 0)
	}
	return fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli))
}

// sums returns the text of the checksums.
func sums(metadata map[string]string, items []Item) (string, error) {
	out := map[string]string{"": metadataSum(metadata)}
	for _, it := range items {
		raw, err := it.encode()
		if err != nil {
			return "", err
		}
		out[it.Name] = sum(it.DType, it.Shape, raw)
	}
	text, err := json.Marshal(out)
	return string(text), err
}

// takeSums moves the checksums out of the metadata and checks these.
func (f *Safetensors) takeSums() error {
	text, ok := f.Metadata[SumsKey]
	if !ok {
		return nil // of another program, or from before there were any
	}
	delete(f.Metadata, SumsKey)
	if err := json.Unmarshal([]byte(text), &f.sums); err != nil || f.sums == nil {
		return fmt.Errorf("metadata %s: not an object of checksums: %v", SumsKey, err)
	}
	return f.compare("", "the metadata", metadataSum(f.Metadata))
}

// compare returns an error unless the file has this checksum under that name, or
// has none at all.
func (f *Safetensors) compare(name, what, got string) error {
	if want := f.sums[name]; f.sums != nil && got != want {
		return fmt.Errorf("%s: checksum %s, the file was written with %q: it is damaged; copy it again (if another program changed it on purpose, have it leave out the metadata %s)",
			what, got, want, SumsKey)
	}
	return nil
}
