// Command hcl reads configuration files with HashiCorp's own parser and writes what is in them as JSON:
// bodies with byte ranges, attributes evaluated, diagnostics. It runs once per load, as WASM.
package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"runtime/debug"
	"unsafe"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

//go:wasmimport clawpatrol size
func inputSize() uint32

//go:wasmimport clawpatrol read
func readInput(to unsafe.Pointer)

//go:wasmimport clawpatrol write
func writeOutput(from unsafe.Pointer, size uint32)

// header is the head of the input; the files' bytes follow it in order.
type header struct {
	Files []struct {
		Name string `json:"name"`
		Size int    `json:"size"`
		// Pieces are the parts to parse, [first byte, byte after the last], each complete in itself.
		Pieces [][2]int `json:"pieces"`
	} `json:"files"`
	// Names are declared in parts that are not parsed here: kind, first of two labels or nothing, name.
	Names [][3]string `json:"names"`
	// References tells how many labels a block kind has, so that others may name its blocks.
	References map[string]int `json:"references"`
	// Closed lists block types whose attributes may not refer to anything.
	Closed []string `json:"closed"`
}

type file struct {
	name string
	body *hclsyntax.Body
}

func main() {
	// one short run over data that is all needed until its end: collecting late costs memory, collecting often costs time
	debug.SetGCPercent(400)
	input := make([]byte, inputSize())
	if len(input) < 4 {
		os.Exit(2)
	}
	readInput(unsafe.Pointer(&input[0]))
	output := run(input)
	writeOutput(unsafe.Pointer(&output[0]), uint32(len(output)))
}

func run(input []byte) []byte {
	length := binary.LittleEndian.Uint32(input)
	var head header
	if err := json.Unmarshal(input[4:4+length], &head); err != nil {
		os.Exit(2)
	}
	rest := input[4+length:]
	var files []file
	var problems hcl.Diagnostics
	for _, each := range head.Files {
		body, diagnostics := parsePieces(rest[:each.Size:each.Size], each.Name, each.Pieces)
		rest = rest[each.Size:]
		problems = append(problems, diagnostics...)
		files = append(files, file{name: each.Name, body: body})
	}
	out := &encoder{files: head.fileIndex(), closed: map[string]bool{}}
	for _, kind := range head.Closed {
		out.closed[kind] = true
	}
	out.raw(`{"bodies":[`)
	if !problems.HasErrors() {
		out.context = references(files, head.References, head.Names)
		for index, each := range files {
			out.comma(index)
			out.body(each.body, out.context)
		}
	}
	out.raw(`],"diagnostics":`)
	out.diagnostics(append(problems, out.problems...))
	out.raw("}")
	return out.bytes
}

// fileIndex maps file names to their place in the list.
func (head header) fileIndex() map[string]int {
	index := map[string]int{}
	for place, each := range head.Files {
		index[each.Name] = place
	}
	return index
}

// parsePieces parses parts of a file into one body; places are those in the whole file.
func parsePieces(source []byte, name string, pieces [][2]int) (*hclsyntax.Body, hcl.Diagnostics) {
	whole := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	var problems hcl.Diagnostics
	for _, piece := range pieces {
		start := hcl.Pos{Line: 1, Column: 1, Byte: piece[0]}
		parsed, diagnostics := hclsyntax.ParseConfig(source[piece[0]:piece[1]:piece[1]], name, start)
		problems = append(problems, diagnostics...)
		body, ok := parsed.Body.(*hclsyntax.Body)
		if !ok {
			continue
		}
		for key, attribute := range body.Attributes {
			if first := whole.Attributes[key]; first != nil {
				problems = append(problems, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: "Attribute redefined", Subject: &attribute.NameRange,
				})
			}
			whole.Attributes[key] = attribute
		}
		whole.Blocks = append(whole.Blocks, body.Blocks...)
	}
	return whole, problems
}
