package main

import (
	"strconv"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

func (out *encoder) raw(text string) {
	out.bytes = append(out.bytes, text...)
}

func (out *encoder) comma(index int) {
	if index > 0 {
		out.bytes = append(out.bytes, ',')
	}
}

func (out *encoder) span(name string, at hcl.Range) {
	out.bytes = append(out.bytes, `,"`...)
	out.bytes = append(out.bytes, name...)
	out.bytes = append(out.bytes, `":[`...)
	out.bytes = strconv.AppendInt(out.bytes, int64(at.Start.Byte), 10)
	out.bytes = append(out.bytes, ',')
	out.bytes = strconv.AppendInt(out.bytes, int64(at.End.Byte), 10)
	out.bytes = append(out.bytes, ']')
}

// text writes a JSON string; bytes that are not UTF-8 become the replacement character.
func (out *encoder) text(value string) {
	const digits = "0123456789abcdef"
	out.bytes = append(out.bytes, '"')
	start := 0
	for index := 0; index < len(value); {
		char := value[index]
		if char >= utf8.RuneSelf {
			found, size := utf8.DecodeRuneInString(value[index:])
			if found == utf8.RuneError && size == 1 {
				out.bytes = append(out.bytes, value[start:index]...)
				out.bytes = append(out.bytes, "\ufffd"...)
				start = index + 1
			}
			index += size
			continue
		}
		if char >= ' ' && char != '"' && char != '\\' {
			index++
			continue
		}
		out.bytes = append(out.bytes, value[start:index]...)
		out.bytes = append(out.bytes, '\\', 'u', '0', '0', digits[char>>4], digits[char&15])
		index++
		start = index
	}
	out.bytes = append(out.bytes, value[start:]...)
	out.bytes = append(out.bytes, '"')
}
