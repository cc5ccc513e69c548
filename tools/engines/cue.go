package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

// cueResult says whether the document is an instance of the policy, and otherwise why not.
type cueResult struct {
	Valid   bool   `json:"valid"`
	Reason  string `json:"reason,omitempty"`
	Details string `json:"details,omitempty"`
	// Of a valid document: what the final reading would have held against it, a required field that is absent for example.
	Open string `json:"open,omitempty"`
}

// evaluateCue unifies the document with the policy and validates. A context is never used twice: it keeps all that was
// ever built in it.
//
// Two readings, both upstream's: "final" is cosign's (encoding/json.Validate: the document is JSON, and nothing may stay
// undecided), the other is policy-controller's (cosign v2 pkg/policy/eval.go: conflicts are errors, incompleteness is not).
func evaluateCue(asked request) (any, error) {
	context := cuecontext.New()
	policy, err := buildCue(context, asked.Sources)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(asked.Input)) {
		return nil, failedf(kindInput, "the document is not JSON")
	}
	// By CUE's own reading of JSON, as both do it: numbers keep every digit, and a member that occurs twice must agree.
	document := context.CompileString(asked.Input, cue.Filename("input.json"))
	if err := document.Err(); err != nil {
		return nil, failed(kindInput, err)
	}
	unified := policy.Unify(document)
	if err := unified.Err(); err != nil {
		return invalid(err), nil
	}
	final := unified.Validate(cue.Final())
	if asked.Final {
		if final != nil {
			return invalid(final), nil
		}
		return cueResult{Valid: true}, nil
	}
	if err := unified.Validate(); err != nil {
		return invalid(err), nil
	}
	if final != nil {
		return cueResult{Valid: true, Open: shorten(final.Error())}, nil
	}
	return cueResult{Valid: true}, nil
}

func invalid(err error) cueResult {
	details := strings.TrimSpace(errors.Details(err, &errors.Config{Cwd: "/"}))
	return cueResult{Reason: shorten(err.Error()), Details: shorten(details)}
}

// buildCue makes one instance of all files, as `cue vet FILES` and cosign do. There is no module, no registry and no file
// system behind it: only packages of CUE's own library can be imported.
func buildCue(context *cue.Context, files []source) (cue.Value, error) {
	if len(files) == 0 {
		return cue.Value{}, failedf(kindRequest, "no policy was given")
	}
	loader := build.NewContext()
	instance := loader.NewInstance("/", nil)
	instance.User = true
	packageName := ""
	for _, file := range files {
		syntax, err := parser.ParseFile(file.Name, file.Text, parser.ParseComments)
		if err != nil {
			return cue.Value{}, failed(kindPolicy, err)
		}
		if err := refuseCue(file.Name, syntax); err != nil {
			return cue.Value{}, err
		}
		if name := syntax.PackageName(); name != "" && name != "_" {
			if packageName != "" && packageName != name {
				return cue.Value{}, failedf(kindPolicy, "found packages %q and %q", packageName, name)
			}
			packageName, instance.PkgName = name, name
		}
		if err := instance.AddSyntax(syntax); err != nil {
			return cue.Value{}, failed(kindPolicy, err)
		}
	}
	if err := instance.Complete(); err != nil {
		return cue.Value{}, failed(kindPolicy, err)
	}
	policy := context.BuildInstance(instance)
	if err := policy.Err(); err != nil {
		return cue.Value{}, failed(kindPolicy, err)
	}
	return policy, nil
}

// What CUE's loader would silently leave out is refused: a constraint that is not applied must not look satisfied.
func refuseCue(name string, syntax *ast.File) error {
	if strings.HasSuffix(name, "_test.cue") || strings.HasSuffix(name, "_tool.cue") {
		return failedf(kindRefused, "%s: CUE leaves files of this name out of an evaluation", name)
	}
	for _, declaration := range syntax.Decls {
		if attribute, is := declaration.(*ast.Attribute); is {
			if key, _ := attribute.Split(); key == "if" || key == "ignore" || key == "extern" {
				return failedf(kindRefused, "%s: the attribute @%s is not available to policies", name, key)
			}
		}
	}
	for spec := range syntax.ImportSpecs() {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return failed(kindPolicy, err)
		}
		// The first element of a path into a module or registry has a dot; a standard package's has none (CUE
		// specification, "Import declarations").
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") || first == "tool" {
			return failedf(kindRefused, "%s: the import %q is not available to policies, only CUE's standard library is", name, path)
		}
	}
	return nil
}
