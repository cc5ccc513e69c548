package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"k8s.io/apiserver/pkg/cel/library"
)

// Cost at which an expression is stopped: Kubernetes' own limit for one expression
// (k8s.io/apiserver/pkg/apis/cel.PerCallLimit).
const celCostLimit = 1_000_000

var compiledExpressions = newRecent[string, cel.Program](256)

// celOptions is Kyverno's base environment (kyverno 1.19.1 pkg/cel/compiler/env.go): cel-go's libraries in the versions
// that Kubernetes has, and Kubernetes' own. What is left out does not compile, which names it: Kyverno's resource,
// http and globalContext functions. Its image functions are for its image policies alone (image_policy.go).
func celOptions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Bindings(),
		ext.Encoders(),
		ext.Lists(ext.ListsVersion(3)),
		ext.Math(),
		ext.Protos(),
		ext.Sets(),
		ext.Strings(ext.StringsVersion(2)),
		ext.Regex(ext.RegexVersion(1)),
		library.CIDR(),
		library.Format(),
		library.IP(),
		library.Lists(),
		library.Regex(),
		library.URLs(),
		library.Quantity(),
		library.SemverLib(library.SemverVersion(1)),
	}
}

type celResult struct {
	Value any    `json:"value"`
	Type  string `json:"type"`
}

// evaluateCel evaluates one expression over dynamic variables.
func evaluateCel(asked request) (any, error) {
	decoded, err := decodeJSON(asked.Input)
	if err != nil {
		return nil, failed(kindInput, err)
	}
	members, is := decoded.(map[string]any)
	if !is {
		return nil, failedf(kindInput, "the variables are not a JSON object")
	}
	variables := make(map[string]any, len(members))
	for name, value := range members {
		if variables[name], err = kubernetesNumbers(value); err != nil {
			return nil, err
		}
	}
	program, err := compileCel(asked.Query, slices.Sorted(maps.Keys(variables)))
	if err != nil {
		return nil, err
	}
	value, _, err := program.Eval(variables)
	if err != nil {
		if strings.Contains(err.Error(), "cost limit exceeded") {
			return nil, failed(kindLimit, err)
		}
		return nil, failed(kindEvaluation, err)
	}
	converted, err := celToJSON(value)
	if err != nil {
		return nil, err
	}
	return celResult{converted, value.Type().TypeName()}, nil
}

func compileCel(expression string, names []string) (cel.Program, error) {
	key := strings.Join(append(names, expression), "\x00")
	if program, present := compiledExpressions.take(key); present {
		return program, nil
	}
	options := celOptions()
	for _, name := range names {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	environment, err := cel.NewEnv(options...)
	if err != nil {
		return nil, failed(kindRequest, err)
	}
	checked, issues := environment.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, failed(kindPolicy, err)
	}
	program, err := environment.Program(checked,
		cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost),
		cel.CostTracking(&library.CostEstimator{}),
		cel.CostLimit(celCostLimit))
	if err != nil {
		return nil, failed(kindPolicy, err)
	}
	compiledExpressions.put(key, program)
	return program, nil
}

// kubernetesNumbers reads numbers as Kubernetes reads JSON: an int64 when the text is one, else a double
// (k8s.io/apimachinery/pkg/util/json).
func kubernetesNumbers(value any) (any, error) {
	switch value := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole, nil
		}
		real, err := value.Float64()
		if err != nil {
			return nil, failed(kindInput, err)
		}
		return real, nil
	case []any:
		for i := range value {
			converted, err := kubernetesNumbers(value[i])
			if err != nil {
				return nil, err
			}
			value[i] = converted
		}
	case map[string]any:
		for name := range value {
			converted, err := kubernetesNumbers(value[name])
			if err != nil {
				return nil, err
			}
			value[name] = converted
		}
	}
	return value, nil
}

// celToJSON writes a result; integers as numbers, timestamps and durations as their text. What has no JSON is refused.
func celToJSON(value ref.Val) (any, error) {
	switch value := value.(type) {
	case types.Bool, types.String, types.Int, types.Uint:
		return value.Value(), nil
	case types.Double:
		if real := float64(value); !math.IsNaN(real) && !math.IsInf(real, 0) {
			return real, nil
		}
	case types.Null:
		return nil, nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(value), nil
	case types.Timestamp:
		return value.Time.UTC().Format(time.RFC3339Nano), nil
	case types.Duration:
		return value.Duration.String(), nil
	case *types.Optional:
		if !value.HasValue() {
			return nil, nil
		}
		return celToJSON(value.GetValue())
	case traits.Lister:
		return celListToJSON(value)
	case traits.Mapper:
		return celMapToJSON(value)
	}
	return nil, failedf(kindEvaluation, "the result is of type %s, which has no JSON form", value.Type().TypeName())
}

func celListToJSON(list traits.Lister) (any, error) {
	items := []any{}
	for next := list.Iterator(); next.HasNext() == types.True; {
		item, err := celToJSON(next.Next())
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func celMapToJSON(mapping traits.Mapper) (any, error) {
	members := map[string]any{}
	for next := mapping.Iterator(); next.HasNext() == types.True; {
		key := next.Next()
		value, err := celToJSON(mapping.Get(key))
		if err != nil {
			return nil, err
		}
		members[fmt.Sprint(key.Value())] = value
	}
	return members, nil
}
