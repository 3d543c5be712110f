package main

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// reference marks a string that came from naming a declared block, so that its kind is not lost.
type reference struct {
	kind, label, name string
}

// references builds what expressions may name: one object per type (two labels) or kind (one label).
func references(files []file, labels map[string]int, names [][3]string) *hcl.EvalContext {
	objects := map[string]map[string]cty.Value{}
	add := func(object string, named reference) {
		if objects[object] == nil {
			objects[object] = map[string]cty.Value{}
		}
		if _, taken := objects[object][named.name]; !taken {
			objects[object][named.name] = cty.StringVal(named.name).Mark(named)
		}
	}
	for _, each := range names {
		if each[1] == "" {
			add(each[0], reference{each[0], "", each[2]})
		} else {
			add(each[1], reference{each[0], each[1], each[2]})
		}
	}
	for _, each := range files {
		for _, block := range each.body.Blocks {
			switch wanted := labels[block.Type]; {
			case wanted == 1 && len(block.Labels) == 1:
				add(block.Type, reference{block.Type, "", block.Labels[0]})
			case wanted == 2 && len(block.Labels) == 2:
				add(block.Labels[0], reference{block.Type, block.Labels[0], block.Labels[1]})
			}
		}
	}
	add("builtin", reference{"approver", "builtin", "dashboard"})
	variables := make(map[string]cty.Value, len(objects))
	for name, attributes := range objects {
		variables[name] = cty.ObjectVal(attributes)
	}
	return &hcl.EvalContext{Variables: variables}
}
