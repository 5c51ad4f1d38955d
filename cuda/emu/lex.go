package emu

import (
	"fmt"
	"strings"
)

// A token is a word (name, number, opcode, directive), a quoted string, or one
// character of punctuation.
type token struct {
	text string
	line int
}

const punctuation = ",;:{}[]()<>+-|@!="

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c == '%' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// lex cuts a text into tokens, less the comments.
func lex(src string) (toks []token, err error) {
	line := 1
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case strings.HasPrefix(src[i:], "//"):
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case strings.HasPrefix(src[i:], "/*"):
			n := strings.Index(src[i+2:], "*/")
			if n < 0 {
				return nil, fmt.Errorf("ptx line %d: a comment without end", line)
			}
			line += strings.Count(src[i:i+2+n], "\n")
			i += n + 4
		case wordByte(c):
			j := i
			for j < len(src) && wordByte(src[j]) {
				j++
			}
			toks = append(toks, token{src[i:j], line})
			i = j
		case strings.IndexByte(punctuation, c) >= 0:
			toks = append(toks, token{src[i : i+1], line})
			i++
		default:
			return nil, fmt.Errorf("ptx line %d: the character %q", line, c)
		}
	}
	return toks, nil
}
