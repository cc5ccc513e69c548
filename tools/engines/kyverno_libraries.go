package main

import (
	"fmt"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/kyverno/sdk/extensions/cel/libs/gzip"
	"github.com/kyverno/sdk/extensions/cel/libs/hash"
	celjson "github.com/kyverno/sdk/extensions/cel/libs/json"
	"github.com/kyverno/sdk/extensions/cel/libs/math"
	"github.com/kyverno/sdk/extensions/cel/libs/transform"
	"github.com/kyverno/sdk/extensions/cel/libs/user"
	"github.com/kyverno/sdk/extensions/cel/libs/yaml"
)

// kyvernoLibraries are those of Kyverno's libraries that only compute (kyverno 1.19.1
// pkg/image/verification/evaluator/compiler.go, createBaseIvpolEnv), as Kyverno wrote them. What is left out does not
// compile, which names it: random, resource, http, globalContext and image data.
//
// The time is the one of the decision (now, RFC 3339), so that the verdict can be had again; without one, time.now() fails.
func kyvernoLibraries(now string) ([]cel.EnvOption, error) {
	var moment *time.Time
	if now != "" {
		parsed, err := time.Parse(time.RFC3339Nano, now)
		if err != nil {
			return nil, failed(kindRequest, err)
		}
		moment = &parsed
	}
	return append(timeLibrary(moment),
		gzip.Lib(gzip.Latest()),
		hash.Lib(hash.Latest()),
		celjson.Lib(&celjson.JsonImpl{}, celjson.Latest()),
		math.Lib(math.Latest()),
		transform.Lib(transform.Latest()),
		user.Lib(user.Latest()),
		yaml.Lib(&yaml.YamlImpl{}, yaml.Latest()),
	), nil
}

// timeLibrary is Kyverno's kyverno.time on a clock that is handed in.
func timeLibrary(now *time.Time) []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("time.now", cel.Overload("time_now", []*cel.Type{}, types.TimestampType,
			cel.FunctionBinding(func(...ref.Val) ref.Val {
				if now == nil {
					return types.NewErr("time.now: nobody has said what time it is")
				}
				return types.Timestamp{Time: *now}
			}))),
		cel.Function("time.toCron", cel.Overload("time_to_cron", []*cel.Type{types.TimestampType}, types.StringType,
			cel.UnaryBinding(func(value ref.Val) ref.Val {
				at, is := value.(types.Timestamp)
				if !is {
					return types.MaybeNoSuchOverloadErr(value)
				}
				return types.String(fmt.Sprintf("%d %d %d %d %d", at.Minute(), at.Hour(), at.Day(), at.Month(),
					at.Weekday()))
			}))),
		cel.Function("time.truncate", cel.Overload("time_truncate",
			[]*cel.Type{types.TimestampType, types.DurationType}, types.TimestampType,
			cel.BinaryBinding(func(value, unit ref.Val) ref.Val {
				at, isTime := value.(types.Timestamp)
				duration, isDuration := unit.(types.Duration)
				if !isTime || !isDuration {
					return types.MaybeNoSuchOverloadErr(value)
				}
				return types.Timestamp{Time: at.Truncate(duration.Duration)}
			}))),
	}
}
