// One evaluation: a request in JSON, an answer in JSON. Every language answers in the same envelope: a result, or an
// error of one of five kinds that says whose fault it is. What a result means (admitted or not) is for the caller.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	maxRequestBytes = 32 << 20
	maxAnswerBytes  = 4 << 20
	maxMessageBytes = 4 << 10
)

// source is one file of a policy. Names appear in messages; nothing is ever read by them.
type source struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type request struct {
	Language string `json:"language"`
	// Rego and CUE.
	Sources []source `json:"sources"`
	// Rego: the query. CEL: the expression.
	Query string `json:"query"`
	// CUE: whether every constraint must have become a value ("final", as cosign does) or may stay open.
	Final bool `json:"final"`
	// Rego and CUE: one JSON document, as text, so that no number loses a digit on its way. CEL: an object, whose
	// members are the expression's variables.
	Input string `json:"input"`
	// RFC 3339, or empty: there is no clock, and what would ask for the time is refused.
	Now string `json:"now"`
}

// The kinds of error.
const (
	kindRequest    = "request"    // our own host asked for something that there is not
	kindPolicy     = "policy"     // the policy does not parse or compile
	kindRefused    = "refused"    // the policy asks for something that policies do not get here
	kindInput      = "input"      // the document under judgement does not parse
	kindEvaluation = "evaluation" // the policy is well-formed and failed on this input
	kindLimit      = "limit"      // an evaluation limit of the language, or the answer's size
	kindCrash      = "crash"      // a defect of an engine
)

type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

func failed(kind string, err error) *failure { return &failure{kind, err.Error()} }

func failedf(kind, format string, args ...any) *failure {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

type response struct {
	Result any      `json:"result,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

var languages = map[string]func(request) (any, error){
	"rego":                 evaluateRego,
	"cue":                  evaluateCue,
	"cel":                  evaluateCel,
	"kyverno-image-policy": evaluateImagePolicy,
	"kyverno-conditions":   evaluateConditions,
	"kyverno-variables":    fillTemplate,
}

func answerRequest(bytes []byte) []byte {
	result, err := evaluateRequest(bytes)
	if err == nil {
		encoded, encodingErr := json.Marshal(response{Result: result})
		switch {
		case encodingErr != nil:
			err = failed(kindEvaluation, encodingErr)
		case len(encoded) > maxAnswerBytes:
			err = failedf(kindLimit, "the result has %d bytes, more than the %d allowed", len(encoded), maxAnswerBytes)
		default:
			return encoded
		}
	}
	var known *failure
	if !errors.As(err, &known) {
		known = failed(kindCrash, err)
	}
	known = &failure{known.Kind, shorten(known.Message)}
	encoded, err := json.Marshal(response{Error: known})
	if err != nil {
		return []byte(`{"error":{"kind":"crash","message":"an error that has no JSON"}}`)
	}
	return encoded
}

func evaluateRequest(bytes []byte) (result any, err error) {
	// A panic inside an engine must never look like a verdict. The host discards this instance afterwards.
	defer func() {
		if cause := recover(); cause != nil {
			result, err = nil, failedf(kindCrash, "%v", cause)
		}
	}()
	var asked request
	if err := json.Unmarshal(bytes, &asked); err != nil {
		return nil, failed(kindRequest, err)
	}
	evaluator := languages[asked.Language]
	if evaluator == nil {
		return nil, failedf(kindRequest, "no language is called %q", asked.Language)
	}
	return evaluator(asked)
}

// Messages quote policies and inputs, which may be of any size.
func shorten(text string) string {
	if len(text) <= maxMessageBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessageBytes], "") + " …"
}
