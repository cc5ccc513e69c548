package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gobwas/glob"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apiserver/pkg/cel/lazy"
	"k8s.io/apiserver/pkg/cel/library"
)

// One evaluation of Kyverno's ImageValidatingPolicy over an object, in the order of kyverno 1.19.1
// pkg/image/verification/evaluator/policy.go. There is no network here: what an expression asks about signatures is
// answered from a table, and what the table lacks is returned as questions. Whoever asked finds out, and asks again.

type named struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

type imageReference struct {
	Glob       string `json:"glob"`
	Expression string `json:"expression"`
}

type imageValidation struct {
	Expression        string `json:"expression"`
	Message           string `json:"message"`
	MessageExpression string `json:"messageExpression"`
}

type imagePolicy struct {
	MatchConditions []named           `json:"matchConditions"`
	Exceptions      [][]named         `json:"exceptions"`
	Variables       []named           `json:"variables"`
	Images          []named           `json:"images"`
	References      []imageReference  `json:"references"`
	Attestors       []string          `json:"attestors"`
	Attestations    []string          `json:"attestations"`
	Validations     []imageValidation `json:"validations"`
}

// question is what an expression wants to know about an image: whether an attestor signed it, or attested to it, or what
// the attestation says.
type question struct {
	Kind        string `json:"kind"` // signature, attestation, payload
	Image       string `json:"image"`
	Attestor    string `json:"attestor,omitempty"`
	Attestation string `json:"attestation,omitempty"`
}

type imageAnswer struct {
	question
	Holds   bool            `json:"holds"`
	Payload json.RawMessage `json:"payload"`
	Error   string          `json:"error"`
}

type imagePolicyInput struct {
	Policy   imagePolicy         `json:"policy"`
	Object   any                 `json:"object"`
	Old      any                 `json:"oldObject"`
	Request  any                 `json:"request"`
	Images   map[string][]string `json:"images"`
	Answers  []imageAnswer       `json:"answers"`
	IsForced bool                `json:"ignoresMatchErrors"`
}

type imagePolicyResult struct {
	// Whether matchConditions hold; nothing else is said when they do not.
	IsMatched bool `json:"isMatched"`
	// Index of the exception that lets the object off, else -1.
	Exception int `json:"exception"`
	// Those that matchImageReferences selects.
	Images    []string   `json:"images"`
	Questions []question `json:"questions"`
	// pass, fail or error; meaningless while there are questions.
	Outcome string `json:"outcome"`
	Message string `json:"message"`
	// By image: whether any signature or attestation was found to hold. Images that nobody asked about are absent.
	Verified map[string]bool `json:"verified"`
}

func evaluateImagePolicy(asked request) (any, error) {
	var input imagePolicyInput
	decoder := json.NewDecoder(strings.NewReader(asked.Input))
	decoder.UseNumber()
	if err := decoder.Decode(&input); err != nil {
		return nil, failed(kindInput, err)
	}
	for _, value := range []*any{&input.Object, &input.Old, &input.Request} {
		converted, err := kubernetesNumbers(*value)
		if err != nil {
			return nil, err
		}
		*value = converted
	}
	evaluation := &imageEvaluation{input: input, answers: map[question]imageAnswer{}, open: map[question]bool{},
		verified: map[string]bool{}, payloads: map[question]bool{}}
	var err error
	if evaluation.libraries, err = kyvernoLibraries(asked.Now); err != nil {
		return nil, err
	}
	for _, answer := range input.Answers {
		evaluation.answers[answer.question] = answer
	}
	return evaluation.run()
}

type imageEvaluation struct {
	input    imagePolicyInput
	answers  map[question]imageAnswer
	open     map[question]bool
	asked    []question
	verified map[string]bool
	// Attestations that were verified in this evaluation: only those have a payload.
	payloads map[question]bool
	selected map[string]bool
	// Kyverno's libraries, which its matchImageReferences do not have.
	libraries []cel.EnvOption
	env       *cel.Env
	data      map[string]any
}

func (e *imageEvaluation) run() (any, error) {
	env, err := cel.NewEnv(append(celOptions(), e.options()...)...)
	if err != nil {
		return nil, failed(kindRequest, err)
	}
	e.env = env
	e.data = map[string]any{"object": e.input.Object, "oldObject": e.input.Old, "request": e.input.Request,
		"images": map[string][]string{}, "attestors": map[string]any{}, "attestations": map[string]string{},
		"variables": lazy.NewMapValue(types.NewMapType(types.StringType, types.DynType))}
	programs, err := e.compileAll()
	if err != nil {
		return nil, err
	}
	result := imagePolicyResult{Exception: -1, Images: []string{}, Questions: []question{}, Verified: e.verified}
	isMatched, err := e.conditions(e.input.Policy.MatchConditions)
	if err != nil && !e.input.IsForced {
		return nil, err
	}
	if err != nil || !isMatched {
		return result, nil
	}
	result.IsMatched = true
	for index, conditions := range e.input.Policy.Exceptions {
		if isExcepted, err := e.conditions(conditions); err != nil {
			return nil, err
		} else if isExcepted {
			result.Exception = index
			return result, nil
		}
	}
	e.data["variables"] = e.lazily(e.input.Policy.Variables)
	images, err := e.images()
	if err != nil {
		return nil, err
	}
	filtered, err := e.selectImages(images, &result)
	if err != nil {
		return nil, err
	}
	e.data["images"] = filtered
	attestors := map[string]any{}
	for _, name := range e.input.Policy.Attestors {
		attestors[name] = map[string]any{"name": name}
	}
	attestations := map[string]string{}
	for _, name := range e.input.Policy.Attestations {
		attestations[name] = name
	}
	e.data["attestors"], e.data["attestations"] = attestors, attestations
	result.Outcome = "pass"
	for index, validation := range e.input.Policy.Validations {
		holds, err := e.holds(programs[validation.Expression])
		if len(e.asked) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		if !holds {
			result.Outcome, result.Message = "fail", e.message(validation, index)
			break
		}
	}
	if len(e.asked) > 0 {
		result.Questions, result.Outcome = e.asked, ""
	}
	return result, nil
}

func (e *imageEvaluation) options() []cel.EnvOption {
	// Libraries come last: some extend the environment as they find it, and declare what comes after them elsewhere.
	return append(append([]cel.EnvOption{
		cel.Variable("object", cel.DynType),
		cel.Variable("oldObject", cel.DynType),
		cel.Variable("request", cel.DynType),
		cel.Variable("images", cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
		cel.Variable("attestors", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("attestations", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("variables", cel.MapType(cel.StringType, cel.DynType)),
		cel.Function("verifyImageSignatures", cel.Overload("verify_image_signature_string_stringarray",
			[]*cel.Type{cel.StringType, cel.ListType(cel.DynType)}, cel.IntType,
			cel.BinaryBinding(func(image, attestors ref.Val) ref.Val {
				return e.count("signature", image, types.String(""), attestors)
			}))),
		cel.Function("verifyAttestationSignatures", cel.Overload("verify_image_attestations_string_string_stringarray",
			[]*cel.Type{cel.StringType, cel.StringType, cel.ListType(cel.DynType)}, cel.IntType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return e.count("attestation", args[0], args[1], args[2])
			}))),
		cel.Function("extractPayload", cel.Overload("payload_string_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.DynType, cel.BinaryBinding(e.payload))),
	}, imageLibrary()...), e.libraries...)
}

// compileAll compiles every expression of the policy, so that one that is broken is never passed over because another
// came first.
func (e *imageEvaluation) compileAll() (map[string]cel.Program, error) {
	policy := e.input.Policy
	programs := map[string]cel.Program{}
	expressions := []string{}
	for _, list := range append([][]named{policy.MatchConditions, policy.Variables, policy.Images}, policy.Exceptions...) {
		for _, one := range list {
			expressions = append(expressions, one.Expression)
		}
	}
	for _, validation := range policy.Validations {
		expressions = append(expressions, validation.Expression)
		if validation.MessageExpression != "" {
			expressions = append(expressions, validation.MessageExpression)
		}
	}
	for _, expression := range expressions {
		program, err := e.compile(e.env, expression)
		if err != nil {
			return nil, err
		}
		programs[expression] = program
	}
	return programs, nil
}

func (e *imageEvaluation) compile(env *cel.Env, expression string) (cel.Program, error) {
	checked, issues := env.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, failed(kindPolicy, err)
	}
	program, err := env.Program(checked,
		cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost),
		cel.CostTracking(&library.CostEstimator{}),
		cel.CostLimit(celCostLimit))
	if err != nil {
		return nil, failed(kindPolicy, err)
	}
	return program, nil
}

func (e *imageEvaluation) evaluate(expression string) (ref.Val, error) {
	program, err := e.compile(e.env, expression)
	if err != nil {
		return nil, err
	}
	value, _, err := program.Eval(e.data)
	return value, evaluationError(err)
}

func evaluationError(err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "cost limit exceeded"):
		return failed(kindLimit, err)
	default:
		return failed(kindEvaluation, err)
	}
}

func (e *imageEvaluation) holds(program cel.Program) (bool, error) {
	value, _, err := program.Eval(e.data)
	if err != nil {
		return false, evaluationError(err)
	}
	holds, is := value.Value().(bool)
	if !is {
		return false, failedf(kindEvaluation, "the result is of type %s, not a boolean", value.Type().TypeName())
	}
	return holds, nil
}

// conditions: a false one decides, whatever errors the others end in.
func (e *imageEvaluation) conditions(conditions []named) (bool, error) {
	var first error
	for _, condition := range conditions {
		program, err := e.compile(e.env, condition.Expression)
		if err != nil {
			return false, err
		}
		holds, err := e.holds(program)
		if err == nil && !holds {
			return false, nil
		}
		if first == nil {
			first = err
		}
	}
	return first == nil, first
}

func (e *imageEvaluation) lazily(variables []named) *lazy.MapValue {
	values := lazy.NewMapValue(types.NewMapType(types.StringType, types.DynType))
	for _, variable := range variables {
		values.Append(variable.Name, func(*lazy.MapValue) ref.Val {
			value, err := e.evaluate(variable.Expression)
			if err != nil {
				return types.WrapErr(err)
			}
			return value
		})
	}
	return values
}

// images are those of the containers, and what the policy's own extractors find.
func (e *imageEvaluation) images() (map[string][]string, error) {
	images := map[string][]string{}
	for category, list := range e.input.Images {
		images[category] = list
	}
	for _, extractor := range e.input.Policy.Images {
		value, err := e.evaluate(extractor.Expression)
		if err != nil {
			return nil, err
		}
		list, is := value.(traits.Lister)
		if !is {
			return nil, failedf(kindEvaluation, "images %s are not a list", extractor.Name)
		}
		found := []string{}
		for next := list.Iterator(); next.HasNext() == types.True; {
			text, is := next.Next().Value().(string)
			if !is {
				return nil, failedf(kindEvaluation, "images %s are not texts", extractor.Name)
			}
			found = append(found, text)
		}
		images[extractor.Name] = found
	}
	return images, nil
}

func (e *imageEvaluation) selectImages(images map[string][]string, result *imagePolicyResult) (map[string][]string, error) {
	e.selected = map[string]bool{}
	filtered := map[string][]string{}
	for category, list := range images {
		filtered[category] = []string{}
		for _, image := range list {
			isSelected, err := e.isSelected(image)
			if err != nil {
				return nil, err
			}
			if !isSelected {
				continue
			}
			filtered[category] = append(filtered[category], image)
			if !e.selected[image] {
				result.Images = append(result.Images, image)
			}
			e.selected[image] = true
		}
	}
	return filtered, nil
}

func (e *imageEvaluation) isSelected(image string) (bool, error) {
	if len(e.input.Policy.References) == 0 {
		return true, nil
	}
	for _, reference := range e.input.Policy.References {
		if reference.Glob != "" {
			pattern, err := glob.Compile(reference.Glob)
			if err != nil {
				return false, failed(kindPolicy, err)
			}
			if pattern.Match(image) {
				return true, nil
			}
			continue
		}
		env, err := cel.NewEnv(append(append(celOptions(), imageLibrary()...), cel.Variable("ref", cel.StringType))...)
		if err != nil {
			return false, failed(kindRequest, err)
		}
		program, err := e.compile(env, reference.Expression)
		if err != nil {
			return false, err
		}
		value, _, err := program.Eval(map[string]any{"ref": image})
		if err != nil {
			return false, evaluationError(err)
		}
		if holds, is := value.Value().(bool); !is {
			return false, failedf(kindEvaluation, "matchImageReferences: the result is no boolean")
		} else if holds {
			return true, nil
		}
	}
	return false, nil
}

// count is how many of the attestors signed the image, or attested to it; 0 for images that the policy does not select.
func (e *imageEvaluation) count(kind string, image, attestation, attestors ref.Val) ref.Val {
	name, is := image.Value().(string)
	if !is {
		return types.MaybeNoSuchOverloadErr(image)
	}
	about, is := attestation.Value().(string)
	if !is {
		return types.MaybeNoSuchOverloadErr(attestation)
	}
	list, is := attestors.(traits.Lister)
	if !is {
		return types.MaybeNoSuchOverloadErr(attestors)
	}
	if isSelected, err := e.isSelected(name); err != nil {
		return types.WrapErr(err)
	} else if !isSelected {
		return types.Int(0)
	}
	count := 0
	total := 0
	for next := list.Iterator(); next.HasNext() == types.True; total++ {
		attestor, err := attestorName(next.Next())
		if err != nil {
			return types.WrapErr(err)
		}
		answer := e.ask(question{kind, name, attestor, about})
		if answer.Error != "" {
			return types.NewErr("%s", answer.Error)
		}
		if answer.Holds {
			count++
		}
	}
	if total > 0 {
		e.verified[name] = e.verified[name] || count > 0
	}
	if kind == "attestation" && count > 0 {
		e.payloads[question{Kind: "payload", Image: name, Attestation: about}] = true
	}
	return types.Int(count)
}

// ask records what nobody has answered yet; its answer then does not matter.
func (e *imageEvaluation) ask(asked question) imageAnswer {
	answer, present := e.answers[asked]
	if !present && !e.open[asked] {
		e.open[asked] = true
		e.asked = append(e.asked, asked)
	}
	if !present {
		// Goes on as if it held, so that what comes after it is asked in the same round.
		return imageAnswer{Holds: true, Payload: json.RawMessage("{}")}
	}
	return answer
}

func attestorName(value ref.Val) (string, error) {
	if mapping, is := value.(traits.Mapper); is {
		if name, present := mapping.Find(types.String("name")); present {
			if text, is := name.Value().(string); is {
				return text, nil
			}
		}
	}
	return "", fmt.Errorf("not an attestor of this policy")
}

func (e *imageEvaluation) payload(image, attestation ref.Val) ref.Val {
	name, isText := image.Value().(string)
	about, isName := attestation.Value().(string)
	if !isText || !isName {
		return types.MaybeNoSuchOverloadErr(image)
	}
	asked := question{Kind: "payload", Image: name, Attestation: about}
	if !e.payloads[asked] {
		return types.NewErr("failed to get payload: the attestation %s was not verified before", about)
	}
	answer := e.ask(asked)
	if answer.Error != "" {
		return types.NewErr("%s", answer.Error)
	}
	decoded, err := decodeJSON(string(answer.Payload))
	if err == nil {
		decoded, err = kubernetesNumbers(decoded)
	}
	if err != nil {
		return types.WrapErr(err)
	}
	return e.env.CELTypeAdapter().NativeToValue(decoded)
}

func (e *imageEvaluation) message(validation imageValidation, index int) string {
	if validation.MessageExpression != "" {
		value, err := e.evaluate(validation.MessageExpression)
		if err != nil {
			return fmt.Sprintf("failed to evaluate message expression: %s", err)
		}
		if text, is := value.Value().(string); is && text != "" {
			return text
		}
	}
	if validation.Message != "" {
		return validation.Message
	}
	return fmt.Sprintf("CEL expression validation failed at index %d", index)
}
