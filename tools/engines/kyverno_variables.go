package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	gojmespath "github.com/kyverno/go-jmespath"
	"github.com/kyverno/kyverno/pkg/engine/jmespath"
)

// Variables of Kyverno's policies: `{{ JMESPath }}` in any string (kyverno 1.19.1 pkg/engine/variables/vars.go), asked of a
// document by Kyverno's own fork of JMESPath with its own functions.

// How often the variables of one string may lead to further ones, and how deep a value may go.
const (
	maxVariableRounds = 64
	maxVariableDepth  = 128
)

var (
	// Preceded by nothing or by anything but a backslash; braces inside belong to JMESPath's objects.
	variablePattern  = regexp.MustCompile(`(^|[^\\])(\{\{(?:\{[^{}]*\}|[^{}])*\}\})`)
	referencePattern = regexp.MustCompile(`(^|[^\\])\$\(.[^ ]*\)`)
)

type variableScope struct {
	document  map[string]any
	functions *gojmespath.FunctionCaller
	late      []*lateValue
	// By namespace and name, those that the host has looked up.
	configMaps map[string]map[string]any
	// How many of them an expression may name.
	known int
}

// Functions that are not those of their input. Time is the caller's.
var refusedFunctions = map[string]string{
	"random":          "randomness",
	"is_external_url": "the network",
}

// The same for every evaluation.
var kyvernoFunctions = sync.OnceValue(func() []jmespath.FunctionEntry {
	return jmespath.GetFunctions(kyvernoConfiguration())
})

func newVariableScope(document map[string]any, now *time.Time) *variableScope {
	functions := gojmespath.NewFunctionCaller()
	for _, each := range kyvernoFunctions() {
		entry := each.FunctionEntry
		if what, is := refusedFunctions[entry.Name]; is {
			name := entry.Name
			entry.Handler = func([]any) (any, error) {
				return nil, failedf(kindRefused, "%s, which asks for %s", name, what)
			}
		}
		if replaced := timeFunction(entry.Name, now, entry.Handler); replaced != nil {
			entry.Handler = replaced
		}
		functions.Register(entry)
	}
	return &variableScope{document: document, functions: functions}
}

// timeFunction gives those functions that look at the clock the time of the caller, and is nil for all others.
func timeFunction(name string, now *time.Time, original gojmespath.JpFunction) gojmespath.JpFunction {
	clock := func(use func(time.Time) any) gojmespath.JpFunction {
		return func([]any) (any, error) {
			if now == nil {
				return nil, failedf(kindRefused, "%s, and nobody says what time it is", name)
			}
			return use(*now), nil
		}
	}
	switch name {
	case "time_now":
		return clock(func(at time.Time) any { return at.Format(time.RFC3339) })
	case "time_now_utc":
		return clock(func(at time.Time) any { return at.UTC().Format(time.RFC3339) })
	case "time_since":
		// With an empty third argument it means the time since then until now.
		return func(arguments []any) (any, error) {
			if len(arguments) != 3 || reflect.ValueOf(arguments[2]).Kind() != reflect.String || arguments[2] != "" {
				return original(arguments)
			}
			if now == nil {
				return nil, failedf(kindRefused, "%s, and nobody says what time it is", name)
			}
			layout, isLayout := arguments[0].(string)
			from, isFrom := arguments[1].(string)
			if !isLayout || !isFrom {
				return original(arguments)
			}
			if layout == "" {
				layout = time.RFC3339
			}
			since, err := time.Parse(layout, from)
			if err != nil {
				return nil, err
			}
			return now.Sub(since).String(), nil
		}
	default:
		return nil
	}
}

// fill puts in the variables of all strings and keys of a value.
func (scope *variableScope) fill(value any) (any, error) { return scope.fillAt(value, 0) }

func (scope *variableScope) fillAt(value any, depth int) (any, error) {
	if depth > maxVariableDepth {
		return nil, failedf(kindLimit, "a value is nested more than %d deep", maxVariableDepth)
	}
	switch typed := value.(type) {
	case string:
		return scope.fillText(typed)
	case []any:
		filled := make([]any, len(typed))
		for index, each := range typed {
			one, err := scope.fillAt(each, depth+1)
			if err != nil {
				return nil, err
			}
			filled[index] = one
		}
		return filled, nil
	case map[string]any:
		filled := make(map[string]any, len(typed))
		for name, each := range typed {
			key, err := scope.fillText(name)
			if err != nil {
				return nil, err
			}
			text, is := key.(string)
			if !is {
				return nil, failedf(kindEvaluation, "the member name %q is no string once its variables are put in", name)
			}
			if filled[text], err = scope.fillAt(each, depth+1); err != nil {
				return nil, err
			}
		}
		return filled, nil
	default:
		return value, nil
	}
}

// fillText: a string that is one variable becomes its value, of whatever type; else values are put into the string, and what
// is not a string goes in as JSON. A variable that starts with "-" is the last one: what it brings is not looked at again.
func (scope *variableScope) fillText(text string) (any, error) {
	if referencePattern.MatchString(text) {
		return nil, failedf(kindRefused, "%q, a reference to another place of the policy", text)
	}
	for round := 0; ; round++ {
		found := variablePattern.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			break
		}
		if round == maxVariableRounds {
			return nil, failedf(kindLimit, "the variables of a string lead to others without end")
		}
		isLast, whole := false, text
		for _, match := range found {
			prefix, variable := match[1], match[2]
			expression := strings.TrimSpace(strings.NewReplacer("{{", "", "}}", "").Replace(variable))
			if isLast = strings.HasPrefix(expression, "-"); isLast {
				expression = strings.TrimSpace(expression[1:])
			}
			value, err := scope.search(expression)
			if err != nil {
				return nil, err
			}
			if !isLast && bringsVariables(value) {
				return nil, failedf(kindEvaluation, "what {{ %s }} stands for holds variables itself", expression)
			}
			if whole == variable {
				return value, nil
			}
			put := textOf(value)
			if isLast {
				put = strings.ReplaceAll(put, "{{", `\{{`)
			}
			text = strings.Replace(text, prefix+variable, prefix+put, 1)
		}
		if isLast {
			break
		}
	}
	return strings.ReplaceAll(text, `\{{`, "{{"), nil
}

func (scope *variableScope) search(expression string) (any, error) {
	if expression == "" || expression == "@" {
		return nil, failedf(kindPolicy, "the variable {{ %s }} names nothing", expression)
	}
	if err := scope.meet(expression); err != nil {
		return nil, err
	}
	return scope.searchIn(scope.document, expression)
}

func (scope *variableScope) searchIn(document any, expression string) (any, error) {
	query, err := gojmespath.Compile(expression)
	if err != nil {
		return nil, failedf(kindPolicy, "the variable {{ %s }}: %v", expression, err)
	}
	value, err := query.Search(document, gojmespath.WithFunctionCaller(scope.functions))
	if err != nil {
		var known *failure
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, failedf(kindEvaluation, "the variable {{ %s }}: %v", expression, err)
	}
	return plain(value)
}

// plain makes numbers of every type what JSON would make of them, as Kyverno does on its way to a comparison.
func plain(value any) (any, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, failed(kindEvaluation, err)
	}
	if len(encoded) > maxAnswerBytes {
		return nil, failedf(kindLimit, "a variable has %d bytes, more than the %d allowed", len(encoded), maxAnswerBytes)
	}
	var decoded any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		return nil, failed(kindEvaluation, err)
	}
	return decoded, nil
}

func bringsVariables(value any) bool {
	switch typed := value.(type) {
	case string:
		return variablePattern.MatchString(typed)
	case []any:
		for _, each := range typed {
			if bringsVariables(each) {
				return true
			}
		}
	case map[string]any:
		for name, each := range typed {
			if variablePattern.MatchString(name) || bringsVariables(each) {
				return true
			}
		}
	}
	return false
}
