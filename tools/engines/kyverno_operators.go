package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/blang/semver/v4"
	"github.com/go-logr/logr"
	"github.com/kyverno/kyverno/ext/wildcard"
	"github.com/kyverno/kyverno/pkg/engine/operator"
	"github.com/kyverno/kyverno/pkg/engine/pattern"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The operators of Kyverno's conditions (kyverno 1.19.1 pkg/engine/variables/operator). Both sides are what JSON decodes to.
// What an operator cannot compare does not hold, with one exception of Kyverno's own: NotEquals holds between things of two types.

var conditionOperators = map[string]func(key, value any) bool{
	"equal":                       areEqual,
	"equals":                      areEqual,
	"notequal":                    areUnequal,
	"notequals":                   areUnequal,
	"in":                          isStrictlyIn,
	"notin":                       isStrictlyNotIn,
	"anyin":                       membership{isOfAll: false}.holds,
	"allin":                       membership{isOfAll: true}.holds,
	"anynotin":                    membership{isOfAll: false, isNot: true}.holds,
	"allnotin":                    membership{isOfAll: true, isNot: true}.holds,
	"greaterthan":                 ordering{func(order int) bool { return order > 0 }}.holds,
	"greaterthanorequals":         ordering{func(order int) bool { return order >= 0 }}.holds,
	"lessthan":                    ordering{func(order int) bool { return order < 0 }}.holds,
	"lessthanorequals":            ordering{func(order int) bool { return order <= 0 }}.holds,
	"durationgreaterthan":         ordering{func(order int) bool { return order > 0 }}.holdsOfDurations,
	"durationgreaterthanorequals": ordering{func(order int) bool { return order >= 0 }}.holdsOfDurations,
	"durationlessthan":            ordering{func(order int) bool { return order < 0 }}.holdsOfDurations,
	"durationlessthanorequals":    ordering{func(order int) bool { return order <= 0 }}.holdsOfDurations,
}

func areEqual(key, value any) bool {
	equal, comparable := equality(key, value)
	return comparable && equal
}

// areUnequal: null compares with nothing, so that neither operator holds of it.
func areUnequal(key, value any) bool {
	if key == nil {
		return false
	}
	equal, comparable := equality(key, value)
	return !comparable || !equal
}

// equality is whether two values are equal, and whether that can be said of them.
func equality(key, value any) (equal, comparable bool) {
	switch typed := key.(type) {
	case bool:
		other, is := value.(bool)
		return is && typed == other, is
	case float64:
		switch other := value.(type) {
		case float64:
			return typed == other, true
		case string:
			number, err := strconv.ParseFloat(other, 64)
			return err == nil && number == typed, err == nil
		}
		return false, false
	case string:
		return textEquality(typed, value)
	case []any, map[string]any:
		return reflect.DeepEqual(key, value), reflect.TypeOf(key) == reflect.TypeOf(value)
	default:
		return false, false
	}
}

// textEquality: as durations where one is one, as quantities where the key is one, else with wildcards in the value.
func textEquality(key string, value any) (equal, comparable bool) {
	if left, right, err := durations(key, value); err == nil {
		return left.Seconds() == right.Seconds(), true
	}
	other, is := value.(string)
	if !is {
		return false, false
	}
	if left, err := resource.ParseQuantity(key); err == nil && other != "" {
		right, err := resource.ParseQuantity(other)
		return err == nil && left.Equal(right), err == nil
	}
	return wildcard.Match(other, key), true
}

var errNoDuration = errors.New("no duration")

// durations takes numbers as seconds, where the other side is a duration.
func durations(key, value any) (left, right time.Duration, err error) {
	leftText, rightText := durationText(key), durationText(value)
	if leftText == nil && rightText == nil {
		return 0, 0, errNoDuration
	}
	if left, err = secondsUnless(leftText, key); err == nil {
		right, err = secondsUnless(rightText, value)
	}
	return left, right, err
}

func durationText(value any) *time.Duration {
	text, is := value.(string)
	if !is || text == "0" {
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return nil
	}
	return &parsed
}

func secondsUnless(known *time.Duration, value any) (time.Duration, error) {
	if known != nil {
		return *known, nil
	}
	if number, is := value.(float64); is {
		return time.Duration(number) * time.Second, nil
	}
	return 0, errNoDuration
}

type ordering struct{ accepts func(order int) bool }

// holds: as durations, quantities, numbers or semantic versions, whichever of them both sides are first.
func (asked ordering) holds(key, value any) bool {
	switch typed := key.(type) {
	case float64:
		return asked.ofNumber(typed, value)
	case string:
		if left, right, err := durations(key, value); err == nil {
			return asked.accepts(compareNumbers(left.Seconds(), right.Seconds()))
		}
		other, isText := value.(string)
		if isText {
			left, leftErr := resource.ParseQuantity(typed)
			right, rightErr := resource.ParseQuantity(other)
			if leftErr == nil && rightErr == nil {
				return asked.accepts(left.Cmp(right))
			}
		}
		if number, err := strconv.ParseFloat(typed, 64); err == nil {
			return asked.ofNumber(number, value)
		}
		left, leftErr := semver.Parse(typed)
		right, rightErr := semver.Parse(other)
		return isText && leftErr == nil && rightErr == nil && asked.accepts(left.Compare(right))
	default:
		return false
	}
}

func (asked ordering) ofNumber(key float64, value any) bool {
	switch typed := value.(type) {
	case float64:
		return asked.ofNumbers(key, typed)
	case string:
		if left, right, err := durations(key, value); err == nil {
			return asked.ofNumbers(left.Seconds(), right.Seconds())
		}
		number, err := strconv.ParseFloat(typed, 64)
		return err == nil && asked.ofNumbers(key, number)
	default:
		return false
	}
}

func (asked ordering) ofNumbers(left, right float64) bool {
	return !math.IsNaN(left) && !math.IsNaN(right) && asked.accepts(compareNumbers(left, right))
}

// holdsOfDurations is the older form, for durations and seconds alone.
func (asked ordering) holdsOfDurations(key, value any) bool {
	left, leftErr := duration(key)
	right, rightErr := duration(value)
	return leftErr == nil && rightErr == nil && asked.accepts(compareNumbers(float64(left), float64(right)))
}

func duration(value any) (time.Duration, error) {
	if text, is := value.(string); is {
		return time.ParseDuration(text)
	}
	return secondsUnless(nil, value)
}

func compareNumbers(left, right float64) int {
	switch {
	case left < right:
		return -1
	case left > right:
		return 1
	default:
		return 0
	}
}

// membership: whether any, or all, of the key are, or are not, in the value. Wildcards count on both sides.
type membership struct{ isOfAll, isNot bool }

func (asked membership) holds(key, value any) bool {
	switch typed := key.(type) {
	case string, float64, bool:
		found, readable := isMember(fmt.Sprint(typed), value)
		return readable && found != asked.isNot
	case []any:
		return asked.ofSet(texts(typed), value)
	default:
		return false
	}
}

// isMember of a list, a list in JSON, a range such as 10-20, or a pattern.
func isMember(key string, value any) (found, readable bool) {
	switch typed := value.(type) {
	case []any:
		return matchesOne(key, texts(typed)), true
	case string:
		if wildcard.Match(typed, key) {
			return true, true
		}
		if operator.GetOperatorFromStringPattern(typed) == operator.InRange {
			return inRange(key, typed), true
		}
		listed, readable := listIn(typed)
		for _, each := range listed {
			if each == key {
				return true, true
			}
		}
		return false, readable
	default:
		return false, false
	}
}

func (asked membership) ofSet(keys []string, value any) bool {
	var values []string
	switch typed := value.(type) {
	case []any:
		values = texts(typed)
	case float64, bool:
		// Kyverno's operators for all take no single number.
		if asked.isOfAll {
			return false
		}
		values = []string{fmt.Sprint(typed)}
	case string:
		if len(keys) == 1 && keys[0] == typed {
			return !asked.isNot
		}
		if operator.GetOperatorFromStringPattern(typed) == operator.InRange {
			return asked.ofRange(keys, typed)
		}
		listed, readable := listIn(typed)
		if !readable {
			return false
		}
		values = listed
	default:
		return false
	}
	matching := 0
	for _, key := range keys {
		if matchesOne(key, values) {
			matching++
		}
	}
	return asked.counts(matching, len(keys))
}

func (asked membership) ofRange(keys []string, value string) bool {
	if asked.isNot && !asked.isOfAll {
		// One of them outside: Kyverno turns 10-20 into 10!-20.
		outside := strings.Replace(value, "-", "!-", 1)
		for _, key := range keys {
			if inRange(key, outside) {
				return true
			}
		}
		return false
	}
	inside := 0
	for _, key := range keys {
		if inRange(key, value) {
			inside++
		}
	}
	return asked.counts(inside, len(keys))
}

func (asked membership) counts(matching, all int) bool {
	switch {
	case asked.isOfAll && asked.isNot:
		return matching == 0
	case asked.isOfAll:
		return matching == all
	case asked.isNot:
		return matching < all
	default:
		return matching > 0
	}
}

func matchesOne(key string, values []string) bool {
	for _, value := range values {
		if wildcard.Match(key, value) || wildcard.Match(value, key) {
			return true
		}
	}
	return false
}

func inRange(key, value string) bool { return pattern.Validate(logr.Discard(), key, value) }

// listIn reads a list of strings in JSON; what is no JSON is a list of itself.
func listIn(text string) (listed []string, readable bool) {
	if !json.Valid([]byte(text)) {
		return []string{text}, true
	}
	err := json.Unmarshal([]byte(text), &listed)
	return listed, err == nil
}

func texts(values []any) []string {
	all := make([]string, len(values))
	for index, value := range values {
		// As Kyverno reads lists: whole numbers without an exponent, whatever their size.
		if number, is := value.(float64); is && number == math.Trunc(number) && math.Abs(number) < 1<<63 {
			value = int64(number)
		}
		all[index] = fmt.Sprint(value)
	}
	return all
}

// isStrictlyIn is the older form: a string as with AnyIn, a list only where all of it are in the value, without wildcards.
func isStrictlyIn(key, value any) bool { return strictly(key, value, false) }

// isStrictlyNotIn holds of a list of which any is not in the value.
func isStrictlyNotIn(key, value any) bool { return strictly(key, value, true) }

func strictly(key, value any, isNot bool) bool {
	switch typed := key.(type) {
	case string, float64, bool:
		found, readable := isStrictMember(fmt.Sprint(typed), value)
		return readable && found != isNot
	case []any:
		keys := make([]string, len(typed))
		for index, each := range typed {
			text, is := each.(string)
			if !is {
				// Kyverno itself falls over this one.
				return false
			}
			keys[index] = text
		}
		return strictlyOfSet(keys, value, isNot)
	default:
		return false
	}
}

func isStrictMember(key string, value any) (found, readable bool) {
	text, is := value.(string)
	if !is || wildcard.Match(text, key) {
		return isMember(key, value)
	}
	var listed []string
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		return false, false
	}
	for _, each := range listed {
		if each == key {
			return true, true
		}
	}
	return false, true
}

func strictlyOfSet(keys []string, value any, isNot bool) bool {
	var values []string
	switch typed := value.(type) {
	case []any:
		for _, each := range typed {
			text, is := each.(string)
			if !is {
				return false
			}
			values = append(values, text)
		}
	case string:
		if len(keys) == 1 && keys[0] == typed {
			// Kyverno says so for NotIn as well.
			return true
		}
		if err := json.Unmarshal([]byte(typed), &values); err != nil {
			return false
		}
	default:
		return false
	}
	known := make(map[string]bool, len(values))
	for _, each := range values {
		known[each] = true
	}
	for _, each := range keys {
		if !known[each] {
			return isNot
		}
	}
	return !isNot
}
