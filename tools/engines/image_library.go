package main

import (
	"errors"
	"reflect"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/go-containerregistry/pkg/name"
)

// Kyverno's functions on image references. An image is its text here, parsed again by each member: only the text is ever
// kept, and nothing is fetched.
var imageType = cel.OpaqueType("kyverno.image")

type imageValue struct{ name.Reference }

func (imageValue) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("an image has no form outside expressions")
}

func (v imageValue) ConvertToType(to ref.Type) ref.Val {
	if to.TypeName() == imageType.TypeName() {
		return v
	}
	return types.NewErr("an image is no %s", to.TypeName())
}
func (v imageValue) Equal(other ref.Val) ref.Val {
	image, is := other.(imageValue)
	return types.Bool(is && image.Reference.Name() == v.Reference.Name())
}
func (imageValue) Type() ref.Type { return imageType }
func (v imageValue) Value() any   { return v.Reference }

func imageLibrary() []cel.EnvOption {
	parse := func(argument ref.Val) ref.Val {
		text, is := argument.Value().(string)
		if !is {
			return types.MaybeNoSuchOverloadErr(argument)
		}
		reference, err := name.ParseReference(text)
		if err != nil {
			return types.WrapErr(err)
		}
		return imageValue{reference}
	}
	isImage := func(argument ref.Val) ref.Val {
		text, is := argument.Value().(string)
		if !is {
			return types.MaybeNoSuchOverloadErr(argument)
		}
		_, err := name.ParseReference(text)
		return types.Bool(err == nil)
	}
	text := func(of func(name.Reference) string) cel.OverloadOpt {
		return cel.UnaryBinding(func(argument ref.Val) ref.Val {
			image, is := argument.(imageValue)
			if !is {
				return types.MaybeNoSuchOverloadErr(argument)
			}
			return types.String(of(image.Reference))
		})
	}
	member := func(function string, of func(name.Reference) string) cel.EnvOption {
		return cel.Function(function, cel.MemberOverload("image_"+function, []*cel.Type{imageType}, cel.StringType, text(of)))
	}
	digest := func(reference name.Reference) string {
		if pinned, is := reference.(name.Digest); is {
			return pinned.DigestStr()
		}
		return ""
	}
	tag := func(reference name.Reference) string {
		if tagged, is := reference.(name.Tag); is {
			return tagged.TagStr()
		}
		// A tag beside a digest is not kept by the parser.
		before, _, _ := strings.Cut(reference.String(), "@")
		if tagged, err := name.NewTag(before); err == nil && strings.HasSuffix(before, ":"+tagged.TagStr()) {
			return tagged.TagStr()
		}
		return ""
	}
	return []cel.EnvOption{
		cel.Function("image", cel.Overload("string_to_image_short", []*cel.Type{cel.StringType}, imageType, cel.UnaryBinding(parse))),
		cel.Function("parseImageReference", cel.Overload("string_to_image", []*cel.Type{cel.StringType}, imageType, cel.UnaryBinding(parse))),
		cel.Function("isImage", cel.Overload("is_image_string", []*cel.Type{cel.StringType}, cel.BoolType, cel.UnaryBinding(isImage))),
		cel.Function("containsDigest", cel.MemberOverload("image_contains_digest", []*cel.Type{imageType}, cel.BoolType,
			cel.UnaryBinding(func(argument ref.Val) ref.Val {
				image, is := argument.(imageValue)
				return types.Bool(is && digest(image.Reference) != "")
			}))),
		member("registry", func(reference name.Reference) string { return reference.Context().RegistryStr() }),
		member("repository", func(reference name.Reference) string { return reference.Context().RepositoryStr() }),
		member("identifier", func(reference name.Reference) string { return reference.Identifier() }),
		member("digest", digest),
		member("tag", tag),
	}
}
