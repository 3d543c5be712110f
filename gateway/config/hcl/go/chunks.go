package main

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// chunkBytes is about what one parse gets: the scanner's cost per byte grows with what it is given.
const chunkBytes = 32 << 10

// parseFile parses a file in pieces where that changes nothing, else whole.
func parseFile(source []byte, name string) (*hclsyntax.Body, hcl.Diagnostics) {
	if len(source) > 2*chunkBytes {
		if body := parsePieces(source, name); body != nil {
			return body, nil
		}
	}
	parsed, diagnostics := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
	body, _ := parsed.Body.(*hclsyntax.Body)
	return body, diagnostics
}

// parsePieces cuts between top-level blocks. A cut inside anything else (a heredoc, a comment, a block) leaves the
// piece before it unfinished, which is a syntax error: then, as for any other problem, the answer is nil.
func parsePieces(source []byte, name string) *hclsyntax.Body {
	whole := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	for at := 0; at < len(source); {
		end := cut(source, at)
		start := hcl.Pos{Line: 1, Column: 1, Byte: at}
		parsed, diagnostics := hclsyntax.ParseConfig(source[at:end:end], name, start)
		body, ok := parsed.Body.(*hclsyntax.Body)
		if !ok || len(diagnostics) > 0 {
			return nil
		}
		for key, attribute := range body.Attributes {
			if whole.Attributes[key] != nil {
				return nil
			}
			whole.Attributes[key] = attribute
		}
		whole.Blocks = append(whole.Blocks, body.Blocks...)
		whole.EndRange = body.EndRange
		at = end
	}
	return whole
}

// cut finds the end of the piece that starts at a place: after a line that is a closing brace alone.
func cut(source []byte, at int) int {
	if len(source)-at <= chunkBytes {
		return len(source)
	}
	found := bytes.Index(source[at+chunkBytes:], []byte("\n}\n"))
	if found < 0 {
		return len(source)
	}
	return at + chunkBytes + found + len("\n}\n")
}
