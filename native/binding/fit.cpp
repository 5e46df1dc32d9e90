// Conversion between the values of JavaScript and the arguments and results of operators.

#include "convert.h"

namespace lvm {
namespace {

using Cells = std::vector<std::shared_ptr<Cell>>;

c10::IValue fit(Napi::Value value, const c10::TypePtr& type, Cells* cells);

template <typename T, typename Read>
c10::IValue list_of(Napi::Value value, Read read) {
  const auto array = value.As<Napi::Array>();
  c10::List<T> list;
  for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(read(array.Get(i)));
  return list;
}

c10::IValue fit_list(Napi::Value value, const c10::TypePtr& element, Cells* cells) {
  if (!value.IsArray()) throw Misfit("a list");
  switch (element->kind()) {
    case c10::TypeKind::TensorType:
      return list_of<Tensor>(value, [&](Napi::Value v) { return fit(v, element, cells).toTensor(); });
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return list_of<int64_t>(value, [&](Napi::Value v) { return fit(v, element, cells).toInt(); });
    case c10::TypeKind::FloatType:
      return list_of<double>(value, [&](Napi::Value v) { return fit(v, element, cells).toDouble(); });
    case c10::TypeKind::BoolType:
      return list_of<bool>(value, [&](Napi::Value v) { return fit(v, element, cells).toBool(); });
    case c10::TypeKind::OptionalType: {
      c10::List<std::optional<Tensor>> list;
      const auto array = value.As<Napi::Array>();
      for (uint32_t i = 0; i < array.Length(); ++i) {
        const auto item = fit(array.Get(i), element, cells);
        list.push_back(item.isNone() ? std::optional<Tensor>() : item.toTensor());
      }
      return list;
    }
    default: {
      c10::impl::GenericList list(element);
      const auto array = value.As<Napi::Array>();
      for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(fit(array.Get(i), element, cells));
      return list;
    }
  }
}

c10::IValue fit(Napi::Value value, const c10::TypePtr& type, Cells* cells) {
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      if (value.IsNull() || value.IsUndefined()) return {};
      return fit(value, type->castRaw<c10::OptionalType>()->getElementType(), cells);
    case c10::TypeKind::TensorType:
      if (!box_of<Cell>(value)) throw Misfit("a tensor");
      if (cells == nullptr) return take_tensor(value);
      cells->push_back(take<Cell>(value));
      return Tensor();
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      if (const auto number = whole(value)) return *number;
      throw Misfit("an integer");
    case c10::TypeKind::FloatType:
      if (!value.IsNumber()) throw Misfit("a number");
      return value.As<Napi::Number>().DoubleValue();
    case c10::TypeKind::NumberType:
      if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
      if (const auto number = whole(value)) return *number;
      if (!value.IsNumber()) throw Misfit("a number");
      return value.As<Napi::Number>().DoubleValue();
    case c10::TypeKind::BoolType:
      if (!value.IsBoolean()) throw Misfit("true or false");
      return value.As<Napi::Boolean>().Value();
    case c10::TypeKind::StringType:
      if (!value.IsString()) throw Misfit("text");
      return std::string(value.As<Napi::String>());
    case c10::TypeKind::ScalarTypeType:
      if (value.IsString()) {
        if (const auto dtype = dtype_named(value.As<Napi::String>())) return int64_t(*dtype);
      }
      throw Misfit("a dtype name");
    case c10::TypeKind::DeviceObjType:
      if (!value.IsString() || !device_named(value.As<Napi::String>())) throw Misfit("a device name");
      return device_of(value.As<Napi::String>());
    case c10::TypeKind::ListType:
      return fit_list(value, type->castRaw<c10::ListType>()->getElementType(), cells);
    case c10::TypeKind::GeneratorType:
      if (!box_of<at::Generator>(value)) throw Misfit("a generator");
      return *take<at::Generator>(value);
    default:
      throw Misfit("nothing that JavaScript can give (" + type->str() + ")");
  }
}

// One number stands for a list of a fixed length, such as the stride of both dimensions.
bool is_integer_list(const c10::TypePtr& type) {
  const auto* list = type->cast<c10::ListType>().get();
  if (list == nullptr) return false;
  const auto kind = list->getElementType()->kind();
  return kind == c10::TypeKind::IntType || kind == c10::TypeKind::SymIntType;
}
c10::IValue fit_argument(Napi::Value value, const c10::Argument& argument, Cells* cells) {
  auto type = argument.real_type();
  if (value.IsString() && argument.name() == "reduction") {
    const std::string wanted = value.As<Napi::String>();
    constexpr const char* reductions[] = {"none", "mean", "sum"};  // at::Reduction
    for (int64_t i = 0; i < 3; ++i)
      if (wanted == reductions[i]) return i;
    throw Misfit("none, mean or sum");
  }
  if (cells != nullptr && value.IsNumber()) {
    if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
    const auto number = whole(value);
    if (is_integer_list(type) && number)
      return c10::List<int64_t>(std::vector<int64_t>(size_t(argument.N().value_or(1)), *number));
  }
  return fit(value, argument.real_type(), cells);
}

}  // namespace

std::vector<c10::IValue> fit_all(const c10::FunctionSchema& schema, Napi::Array given, std::optional<Napi::Object> named,
                                 Cells* cells) {
  std::vector<c10::IValue> stack;
  const auto& arguments = schema.arguments();
  const auto length = given.Length();
  uint32_t used = 0, positions = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (!argument.kwarg_only()) ++positions;
    const auto positional = i < length && !argument.kwarg_only();
    const auto value = positional ? given.Get(uint32_t(i)) : named ? named->Get(argument.name()) : given.Env().Undefined();
    if (!positional && named && named->Has(argument.name())) ++used;
    if (value.IsUndefined() && argument.default_value()) {
      stack.push_back(*argument.default_value());
      continue;
    }
    try {
      stack.push_back(fit_argument(value, argument, cells));
    } catch (const Misfit& misfit) {
      throw Misfit("expected " + std::string(misfit.what()) + " for \"" + argument.name() + "\"");
    }
  }
  if (length > positions || (named && used < named->GetPropertyNames().Length())) throw Misfit("more arguments than it takes");
  return stack;
}

void fill_cells(std::vector<c10::IValue>& stack, const Cells& cells) {
  auto next = cells.begin();
  const auto taken = [&] { return value_of(**next++); };
  for (auto& value : stack) {
    if (next == cells.end()) return;
    if (value.isTensor() && !value.toTensor().defined()) value = taken();
    else if (value.isTensorList()) {
      auto list = value.toTensorList();
      for (size_t i = 0; i < list.size(); ++i) list.set(i, taken());
    } else if (value.isOptionalTensorList()) {
      auto list = value.toOptionalTensorList();
      for (size_t i = 0; i < list.size(); ++i)
        if (list.get(i).has_value()) list.set(i, taken());
    }
  }
}

Napi::Value to_js(Napi::Env env, const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? give_tensor(env, value.toTensor()).As<Napi::Value>() : env.Null();
  if (value.isInt()) {
    constexpr auto exact = int64_t(1) << 53;  // largest range in which a number holds every integer
    const auto number = value.toInt();
    if (number > exact || number < -exact) return Napi::BigInt::New(env, number);
    return Napi::Number::New(env, double(number));
  }
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isString()) return Napi::String::New(env, value.toStringRef());
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    auto pair = Napi::Array::New(env, 2);
    pair.Set(0u, number.real());
    pair.Set(1u, number.imag());
    return pair;
  }
  if (value.isList() || value.isTuple()) {
    const auto items = value.isList() ? value.toListRef().vec() : value.toTupleRef().elements().vec();
    auto array = Napi::Array::New(env, items.size());
    for (uint32_t i = 0; i < items.size(); ++i) array.Set(i, to_js(env, items[i]));
    return array;
  }
  return env.Null();
}

}  // namespace lvm
