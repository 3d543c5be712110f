package main

import (
	"sort"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// mostProblems bounds the report: a person fixes the first ones and runs again.
const mostProblems = 500

// encoder appends JSON; ranges are [first byte, byte after the last] of the file the body is in.
type encoder struct {
	bytes    []byte
	files    map[string]int
	closed   map[string]bool
	context  *hcl.EvalContext
	problems hcl.Diagnostics
}

func (out *encoder) body(body *hclsyntax.Body, context *hcl.EvalContext) {
	out.raw(`{"attributes":[`)
	attributes := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, attribute := range body.Attributes {
		attributes = append(attributes, attribute)
	}
	sort.Slice(attributes, func(a, b int) bool {
		return attributes[a].NameRange.Start.Byte < attributes[b].NameRange.Start.Byte
	})
	for index, attribute := range attributes {
		out.comma(index)
		out.raw(`{"name":`)
		out.text(attribute.Name)
		out.span("at", attribute.NameRange)
		out.raw(`,"value":`)
		out.expression(attribute.Expr, context)
		out.raw("}")
	}
	out.raw(`],"blocks":[`)
	for index, block := range body.Blocks {
		out.comma(index)
		out.block(block, context)
	}
	out.raw("]}")
}

func (out *encoder) block(block *hclsyntax.Block, context *hcl.EvalContext) {
	if out.closed[block.Type] {
		context = nil
	}
	out.raw(`{"type":`)
	out.text(block.Type)
	out.span("at", block.TypeRange)
	out.span("header", block.DefRange())
	out.raw(`,"labels":[`)
	for index, label := range block.Labels {
		out.comma(index)
		out.raw(`{"name":`)
		out.text(label)
		out.span("at", block.LabelRanges[index])
		out.raw("}")
	}
	out.raw(`],"body":`)
	out.body(block.Body, context)
	out.raw("}")
}

// expression writes the value of an expression; lists and objects written out keep the place of each element.
func (out *encoder) expression(expression hclsyntax.Expression, context *hcl.EvalContext) {
	switch written := expression.(type) {
	case *hclsyntax.ParenthesesExpr:
		out.expression(written.Expression, context)
	case *hclsyntax.TupleConsExpr:
		out.raw(`{"kind":"list","items":[`)
		for index, item := range written.Exprs {
			out.comma(index)
			out.expression(item, context)
		}
		out.raw("]")
		out.span("at", written.Range())
		out.raw("}")
	case *hclsyntax.ObjectConsExpr:
		out.object(written, context)
	default:
		value, diagnostics := out.evaluate(expression, context)
		out.note(diagnostics)
		if diagnostics.HasErrors() {
			value = cty.DynamicVal
		}
		out.value(value, expression.Range())
	}
}

func (out *encoder) object(written *hclsyntax.ObjectConsExpr, context *hcl.EvalContext) {
	out.raw(`{"kind":"map","entries":[`)
	count := 0
	for _, item := range written.Items {
		key, diagnostics := out.evaluate(item.KeyExpr, context)
		out.note(diagnostics)
		key, _ = key.Unmark()
		if diagnostics.HasErrors() || !key.IsWhollyKnown() || key.IsNull() || key.Type() != cty.String {
			continue
		}
		out.comma(count)
		count++
		out.raw(`{"name":`)
		out.text(key.AsString())
		out.span("at", item.KeyExpr.Range())
		out.raw(`,"value":`)
		out.expression(item.ValueExpr, context)
		out.raw("}")
	}
	out.raw("]")
	out.span("at", written.Range())
	out.raw("}")
}

func (out *encoder) evaluate(expression hclsyntax.Expression, context *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if len(out.problems) >= mostProblems {
		return cty.DynamicVal, nil
	}
	return expression.Value(context)
}

func (out *encoder) note(diagnostics hcl.Diagnostics) {
	out.problems = append(out.problems, diagnostics...)
}

// value writes an evaluated value; every part of it stands at the same place.
func (out *encoder) value(marked cty.Value, at hcl.Range) {
	value, marks := marked.Unmark()
	switch {
	case !value.IsKnown():
		out.raw(`{"kind":"unknown"`)
	case value.IsNull():
		out.raw(`{"kind":"null"`)
	case value.Type() == cty.String:
		out.raw(`{"kind":"string","value":`)
		out.text(value.AsString())
		out.references(value.AsString(), marks)
	case value.Type() == cty.Bool:
		out.raw(`{"kind":"bool","value":` + strconv.FormatBool(value.True()))
	case value.Type() == cty.Number:
		out.raw(`{"kind":"number","value":`)
		out.text(value.AsBigFloat().Text('g', 40))
	case value.Type().IsObjectType() || value.Type().IsMapType():
		out.raw(`{"kind":"map","entries":[`)
		for index, iterator := 0, value.ElementIterator(); iterator.Next(); index++ {
			key, element := iterator.Element()
			out.comma(index)
			out.raw(`{"name":`)
			out.text(key.AsString())
			out.span("at", at)
			out.raw(`,"value":`)
			out.value(element, at)
			out.raw("}")
		}
		out.raw("]")
	default:
		out.raw(`{"kind":"list","items":[`)
		for index, iterator := 0, value.ElementIterator(); iterator.Next(); index++ {
			_, element := iterator.Element()
			out.comma(index)
			out.value(element, at)
		}
		out.raw("]")
	}
	out.span("at", at)
	out.raw("}")
}

// references writes what a string was named as; text composed from a reference is plain text.
func (out *encoder) references(value string, marks cty.ValueMarks) {
	count := 0
	for mark := range marks {
		named, ok := mark.(reference)
		if !ok || named.name != value {
			continue
		}
		if count == 0 {
			out.raw(`,"refs":[`)
		}
		out.comma(count)
		count++
		out.raw(`{"kind":`)
		out.text(named.kind)
		out.raw(`,"type":`)
		out.text(named.label)
		out.raw("}")
	}
	if count > 0 {
		out.raw("]")
	}
}

func (out *encoder) diagnostics(all hcl.Diagnostics) {
	out.raw("[")
	if len(all) > mostProblems {
		all = all[:mostProblems]
	}
	for index, each := range all {
		out.comma(index)
		out.raw(`{"severity":`)
		if each.Severity == hcl.DiagWarning {
			out.text("warning")
		} else {
			out.text("error")
		}
		out.raw(`,"summary":`)
		out.text(each.Summary)
		out.raw(`,"detail":`)
		out.text(each.Detail)
		if each.Subject != nil {
			out.raw(`,"file":` + strconv.Itoa(out.files[each.Subject.Filename]))
			out.span("at", *each.Subject)
		}
		out.raw("}")
	}
	out.raw("]")
}
