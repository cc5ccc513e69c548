package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// Policies get neither network, clock, randomness nor the process: the same policy on the same input always gives the
// same verdict. OPA calls these "unsafe" and refuses them by name, also as targets of `with`.
var withoutWorld = []string{
	"http.send",
	"net.lookup_ip_addr",
	"opa.runtime",
	"rand.intn",
	"uuid.rfc4122",
}

// Allowed once the host has said what time it is.
var withClock = []string{
	"io.jwt.decode_verify", // compares exp and nbf with the clock
	"time.now_ns",
}

// Compiled once, evaluated often: preparing costs some ten times what evaluating does.
var preparedQueries = newRecent[string, rego.PreparedEvalQuery](64)

// regoResult is one member of OPA's result set.
type regoResult struct {
	// Values of the query's expressions.
	Expressions []any `json:"expressions"`
	// Values of the query's variables.
	Bindings map[string]any `json:"bindings"`
}

// evaluateRego answers with OPA's result set, which is empty when the query is undefined. Rego v0, which is what cosign
// and policy-controller ask OPA for (cosign pkg/cosign/rego/rego.go).
func evaluateRego(asked request) (any, error) {
	query, err := prepareRego(asked)
	if err != nil {
		return nil, err
	}
	input, err := decodeJSON(asked.Input)
	if err != nil {
		return nil, failed(kindInput, err)
	}
	options := []rego.EvalOption{rego.EvalInput(input)}
	if asked.Now != "" {
		now, err := time.Parse(time.RFC3339Nano, asked.Now)
		if err != nil {
			return nil, failed(kindRequest, err)
		}
		options = append(options, rego.EvalTime(now))
	}
	set, err := query.Eval(context.Background(), options...)
	if err != nil {
		return nil, failed(kindEvaluation, err)
	}
	results := make([]regoResult, 0, len(set))
	for _, one := range set {
		expressions := make([]any, 0, len(one.Expressions))
		for _, expression := range one.Expressions {
			expressions = append(expressions, expression.Value)
		}
		results = append(results, regoResult{expressions, one.Bindings})
	}
	return results, nil
}

func prepareRego(asked request) (rego.PreparedEvalQuery, error) {
	unsafe := map[string]struct{}{}
	for _, name := range withoutWorld {
		unsafe[name] = struct{}{}
	}
	key := strings.Builder{}
	if asked.Now == "" {
		key.WriteString("no clock")
		for _, name := range withClock {
			unsafe[name] = struct{}{}
		}
	}
	for _, part := range append([]source{{"query", asked.Query}}, asked.Sources...) {
		key.WriteString("\x00" + part.Name + "\x00" + part.Text)
	}
	if prepared, present := preparedQueries.take(key.String()); present {
		return prepared, nil
	}
	options := []func(*rego.Rego){
		rego.Query(asked.Query),
		rego.SetRegoVersion(ast.RegoV0),
		rego.UnsafeBuiltins(unsafe),
	}
	for _, file := range asked.Sources {
		options = append(options, rego.Module(file.Name, file.Text))
	}
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		if refused := refusedBuiltin(err.Error(), unsafe); refused != "" {
			return prepared, failedf(kindRefused, "%s is not available to policies: %s", refused, err)
		}
		return prepared, failed(kindPolicy, err)
	}
	preparedQueries.put(key.String(), prepared)
	return prepared, nil
}

func refusedBuiltin(message string, unsafe map[string]struct{}) string {
	if !strings.Contains(message, "unsafe built-in") && !strings.Contains(message, "must not be unsafe") {
		return ""
	}
	names := make([]string, 0, len(unsafe))
	for name := range unsafe {
		if strings.Contains(message, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// decodeJSON keeps every digit of a number, and refuses what follows the document.
func decodeJSON(text string) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, failedf(kindInput, "something follows the JSON document")
	}
	return value, nil
}
