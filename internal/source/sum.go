package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// Sum returns the SHA-256 of a file in hexadecimal. Its reading ends with ctx.
func Sum(ctx context.Context, path string) (string, error) {
	f, err := Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
