// Calls any operator that libtorch registers. Its schema determines the conversion of each JavaScript value.

#include "convert.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace lvm {
namespace {

// A value that does not match its argument; the next overload is tried.
struct Misfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

c10::IValue fit(Napi::Value value, const c10::TypePtr& type);

template <typename T, typename Read>
c10::IValue list_of(Napi::Value value, Read read) {
  const auto array = value.As<Napi::Array>();
  c10::List<T> list;
  for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(read(array.Get(i)));
  return list;
}

c10::IValue fit_list(Napi::Value value, const c10::TypePtr& element) {
  if (!value.IsArray()) throw Misfit("a list");
  switch (element->kind()) {
    case c10::TypeKind::TensorType:
      return list_of<Tensor>(value, [&](Napi::Value v) { return fit(v, element).toTensor(); });
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return list_of<int64_t>(value, [&](Napi::Value v) { return fit(v, element).toInt(); });
    case c10::TypeKind::FloatType:
      return list_of<double>(value, [&](Napi::Value v) { return fit(v, element).toDouble(); });
    case c10::TypeKind::BoolType:
      return list_of<bool>(value, [&](Napi::Value v) { return fit(v, element).toBool(); });
    case c10::TypeKind::OptionalType: {
      c10::List<std::optional<Tensor>> list;
      const auto array = value.As<Napi::Array>();
      for (uint32_t i = 0; i < array.Length(); ++i) {
        const auto item = fit(array.Get(i), element);
        list.push_back(item.isNone() ? std::optional<Tensor>() : item.toTensor());
      }
      return list;
    }
    default: {
      c10::impl::GenericList list(element);
      const auto array = value.As<Napi::Array>();
      for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(fit(array.Get(i), element));
      return list;
    }
  }
}

c10::IValue fit(Napi::Value value, const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      if (value.IsNull() || value.IsUndefined()) return {};
      return fit(value, type->castRaw<c10::OptionalType>()->getElementType());
    case c10::TypeKind::TensorType:
      if (!box_of<Tensor>(value)) throw Misfit("a tensor");
      return take_tensor(value);
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
      return fit_list(value, type->castRaw<c10::ListType>()->getElementType());
    default:
      throw Misfit("nothing that JavaScript can give (" + type->str() + ")");
  }
}

std::vector<c10::IValue> fit_all(const c10::FunctionSchema& schema, Napi::Array given, Napi::Object named) {
  std::vector<c10::IValue> stack;
  const auto& arguments = schema.arguments();
  uint32_t used = 0, positions = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (!argument.kwarg_only()) ++positions;
    const auto positional = i < given.Length() && !argument.kwarg_only();
    const Napi::Value value = positional ? given.Get(uint32_t(i)) : named.Get(argument.name());
    if (!positional && named.Has(argument.name())) ++used;
    if (value.IsUndefined() && argument.default_value()) {
      stack.push_back(*argument.default_value());
      continue;
    }
    try {
      stack.push_back(fit(value, argument.real_type()));
    } catch (const Misfit& misfit) {
      throw Misfit("expected " + std::string(misfit.what()) + " for \"" + argument.name() + "\"");
    }
  }
  if (given.Length() > positions || used < named.GetPropertyNames().Length()) throw Misfit("more arguments than it takes");
  return stack;
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

Napi::Value call(const Napi::CallbackInfo& info) {
  const auto full = text(info[0], "op");
  if (!info[1].IsArray() || !info[2].IsObject())
    throw Error("BAD_ARGUMENT", "call: expected a list of arguments and an object of named ones");
  const auto given = info[1].As<Napi::Array>();
  const auto named = info[2].As<Napi::Object>();
  const auto dot = full.find('.');
  const auto name = full.substr(0, dot);
  auto& dispatcher = c10::Dispatcher::singleton();

  std::string misfits;
  int forms = 0;
  const auto attempt =
    [&](const c10::OperatorName& op) -> std::optional<std::pair<c10::OperatorHandle, std::vector<c10::IValue>>> {
    const auto handle = dispatcher.findSchema(op);
    if (!handle) return std::nullopt;
    try {
      return std::pair(*handle, fit_all(handle->schema(), given, named));
    } catch (const Misfit& misfit) {
      constexpr int told = 5;  // overloads listed in the message
      std::ostringstream line;
      line << "\n  " << handle->schema() << ": " << misfit.what();
      if (++forms <= told) misfits += line.str();
      else if (forms == told + 1) misfits += "\n  …";
      return std::nullopt;
    }
  };

  auto found = attempt({name, dot == std::string::npos ? "" : full.substr(dot + 1)});
  if (!found && dot == std::string::npos) {
    for (const auto& op : dispatcher.getAllOpNames()) {
      if (op.name == name && !op.overload_name.empty() && (found = attempt(op))) break;
    }
  }
  if (!found) {
    throw Error("BAD_ARGUMENT", misfits.empty() ? "call: libtorch has no operator \"" + cut(full) + "\"; operators() lists them"
                                                : "call: no form of " + cut(full) + " takes these arguments:" + misfits);
  }
  return run_async(
    info.Env(),
    [found = std::move(*found)]() mutable {
      found.first.callBoxed(found.second);
      return found.second;
    },
    [](Napi::Env env, std::vector<c10::IValue> results) -> Napi::Value {
      if (results.size() == 1) return to_js(env, results[0]);
      auto array = Napi::Array::New(env, results.size());
      for (uint32_t i = 0; i < results.size(); ++i) array.Set(i, to_js(env, results[i]));
      return array;
    });
}

Napi::Value operators(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  for (const auto& op : c10::Dispatcher::singleton().getAllOpNames()) {
    list.Set(list.Length(), op.overload_name.empty() ? op.name : op.name + "." + op.overload_name);
  }
  return list;
}

}  // namespace

void export_call(Napi::Object exports) {
  export_function<call>(exports, "call");
  export_function<operators>(exports, "operators");
}

}  // namespace lvm
