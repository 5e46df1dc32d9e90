#include "convert.h"

#include <ATen/DeviceAccelerator.h>

namespace lvm {
namespace {

constexpr std::pair<const char*, torch::Dtype> dtypes[] = {
  {"float32", torch::kFloat32},
  {"float64", torch::kFloat64},
  {"float16", torch::kFloat16},
  {"bfloat16", torch::kBFloat16},
  {"int64", torch::kInt64},
  {"int32", torch::kInt32},
  {"int16", torch::kInt16},
  {"int8", torch::kInt8},
  {"uint8", torch::kUInt8},
  {"bool", torch::kBool},
  {"complex64", torch::kComplexFloat},
  {"complex128", torch::kComplexDouble},
};

[[noreturn]] void refuse(const char* what, const std::string& expected) {
  throw Error("BAD_ARGUMENT", std::string("native: expected ") + expected + " for \"" + what + "\"");
}

}  // namespace

int64_t bytes_of(const Tensor& tensor) {
  // sparse tensors have no storage, and the storage of expanded ones is smaller than their elements
  return tensor.is_cpu() && tensor.has_storage() ? int64_t(std::min(tensor.nbytes(), tensor.storage().nbytes())) : 0;
}

Napi::Object give_tensor(Napi::Env env, const Tensor& tensor) {
  return give(env, std::make_shared<Cell>(tensor), bytes_of(tensor));
}

Tensor take_tensor(Napi::Value value) {
  const auto cell = take<Cell>(value);
  environment(value.Env()).lane.wait([&] { return cell->pending == 0; });
  return value_of(*cell);
}

Tensor value_of(const Cell& cell) {
  if (cell.failure) std::rethrow_exception(cell.failure);
  require_unchanged(cell.value);
  return cell.value;
}

std::optional<torch::Dtype> dtype_named(const std::string& name) {
  for (const auto& [known, dtype] : dtypes) {
    if (name == known) return dtype;
  }
  return std::nullopt;
}

torch::Dtype dtype_of(const std::string& name) {
  if (const auto dtype = dtype_named(name)) return *dtype;
  throw Error("BAD_ARGUMENT", "native: expected a dtype such as float32 but received \"" + cut(name) + "\"");
}

const char* dtype_name(torch::Dtype dtype) {
  for (const auto& [name, known] : dtypes) {
    if (dtype == known) return name;
  }
  throw Error("BAD_ARGUMENT", std::string("native: tensors of ") + c10::toString(dtype) + " have no JavaScript form");
}

std::optional<torch::Device> device_named(const std::string& name) {
  try {
    return torch::Device(name);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

torch::Device device_of(const std::string& name) {
  const auto device = device_named(name);
  if (!device) throw Error("DEVICE_UNAVAILABLE", "device: expected cpu, cuda[:n] or mps but received \"" + cut(name) + "\"");
  if (device->is_cpu()) return *device;
  const auto accelerator = at::getAccelerator(false);
  const auto count = accelerator == device->type() ? at::accelerator::deviceCount() : c10::DeviceIndex(0);
  if (count <= std::max<int>(device->index(), 0)) {
    throw Error("DEVICE_UNAVAILABLE", "device: \"" + cut(name) + "\" is not there (" + std::to_string(count) + " such devices)");
  }
  return *device;
}

std::string text(Napi::Value value, const char* what) {
  if (!value.IsString()) refuse(what, "text");
  return value.As<Napi::String>();
}

std::string cut(const std::string& text) {
  constexpr size_t most = 80;
  if (text.size() <= most) return text;
  auto end = most - 3;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not inside a UTF-8 character
  return text.substr(0, end) + "…";
}

std::optional<int64_t> whole(Napi::Value value) {
  if (value.IsBigInt()) {
    bool lossless = true;
    const auto result = value.As<Napi::BigInt>().Int64Value(&lossless);
    return lossless ? std::optional(result) : std::nullopt;
  }
  if (!value.IsNumber()) return std::nullopt;
  const auto number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= -0x1p63 && number < 0x1p63) || std::trunc(number) != number) return std::nullopt;
  return int64_t(number);
}

int64_t integer(Napi::Value value, const char* what) {
  const auto result = whole(value);
  if (!result) refuse(what, "an integer");
  return *result;
}

int64_t positive(Napi::Value value, const char* what) {
  const auto result = whole(value);
  if (!result || *result < 1) refuse(what, "an integer ≥ 1");
  return *result;
}

int64_t count(Napi::Value value, const char* what) {
  const auto result = whole(value);
  if (!result || *result < 0) refuse(what, "an integer ≥ 0");
  return *result;
}

double real(Napi::Value value, const char* what) {
  if (!value.IsNumber()) refuse(what, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::vector<int64_t> integers(Napi::Value value, const char* what) {
  if (!value.IsArray()) refuse(what, "a list of integers");
  const auto list = value.As<Napi::Array>();
  std::vector<int64_t> result;
  for (uint32_t i = 0; i < list.Length(); ++i) result.push_back(integer(list.Get(i), what));
  return result;
}

std::vector<double> reals(Napi::Value value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    refuse("rates", "a Float64Array");
  const auto list = value.As<Napi::Float64Array>();
  return {list.Data(), list.Data() + list.ElementLength()};
}

Tensor ids(Napi::Value value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) refuse("rows", "an Int32Array");
  const auto list = value.As<Napi::Int32Array>();
  return torch::from_blob(const_cast<int32_t*>(list.Data()), {int64_t(list.ElementLength())}, torch::kInt32).to(torch::kInt64);
}

Napi::Float64Array float64_array(Napi::Env env, const Tensor& tensor) {
  const auto flat = tensor.to(torch::kFloat64).contiguous();
  auto out = Napi::Float64Array::New(env, size_t(flat.numel()));
  std::copy_n(flat.const_data_ptr<double>(), flat.numel(), out.Data());
  return out;
}

c10::IValue to_ivalue(Napi::Value value, int depth) {
  if (depth > 100) refuse("value", "at most 100 lists and dicts inside each other");
  if (value.IsNull() || value.IsUndefined()) return {};
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsString()) return std::string(value.As<Napi::String>());
  if (value.IsNumber()) {
    const auto number = value.As<Napi::Number>().DoubleValue();
    if (std::trunc(number) == number && std::abs(number) < 9e15) return int64_t(number);
    return number;
  }
  if (box_of<Cell>(value)) return take_tensor(value).detach();
  if (value.IsArray()) {
    const auto array = value.As<Napi::Array>();
    c10::impl::GenericList list(c10::AnyType::get());
    for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(to_ivalue(array.Get(i), depth + 1));
    return list;
  }
  if (!value.IsObject() || value.IsFunction()) refuse("value", "a dict, list, number, text or tensor");
  const auto object = value.As<Napi::Object>();
  const auto keys = object.GetPropertyNames();
  c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const Napi::Value key = keys.Get(i);
    const std::string name = key.ToString();
    // integer keys become numbers, because Python keys the optimizer's state by parameter index
    const bool index =
      !name.empty() && name.size() < 10 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    dict.insert(index ? c10::IValue(int64_t(std::stoll(name))) : c10::IValue(name), to_ivalue(object.Get(key), depth + 1));
  }
  return dict;
}

}  // namespace lvm
