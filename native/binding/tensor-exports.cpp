#include "../data/utf8-path.h"
#include "convert.h"

#include <fstream>

namespace lvm {
namespace {

size_t item_size(torch::Dtype dtype) { return c10::elementSize(dtype); }

struct Extent {
  std::vector<int64_t> shape;
  torch::Dtype dtype;
  int64_t elements;
};

Extent extent(Napi::Value shape, Napi::Value dtype) {
  Extent e{integers(shape, "shape"), dtype_of(text(dtype, "dtype")), 1};
  auto bytes = int64_t(item_size(e.dtype));
  for (const auto size : e.shape) {
    if (size < 0 || (size > 0 && bytes > std::numeric_limits<int64_t>::max() / size))
      throw Error("BAD_ARGUMENT", "Tensor: expected sizes ≥ 0 that fit in memory");
    bytes *= size;
    e.elements *= size;
  }
  return e;
}

// Checks that a file holds the extent at this offset.
void require_bytes(const std::string& path, int64_t offset, const Extent& e) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path_of(path), failure);
  if (failure) throw Error("FILE_MISSING", "Tensor: could not read " + path + ": " + failure.message());
  const auto needed = e.elements * int64_t(item_size(e.dtype));
  if (offset < 0 || needed > int64_t(size) - offset) {
    throw Error("DATA_FORMAT", "Tensor: expected " + std::to_string(needed) + " bytes at " + std::to_string(offset) + " but " +
                                 path + " has " + std::to_string(size));
  }
}

// Maps bools other than 0 and 1 to 1, because libtorch sums their bytes.
Tensor with_clean_bools(const Tensor& tensor) {
  return tensor.scalar_type() == torch::kBool ? tensor.view(torch::kUInt8).ne(0) : tensor;
}

Napi::Value tensor_from(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Error("BAD_ARGUMENT", "Tensor.from: expected a typed array");
  const auto e = extent(info[1], info[2]);  // may run getters that detach or shrink the array, so its length is read afterwards
  const auto array = info[0].As<Napi::TypedArray>();
  const auto part = item_size(c10::toRealValueType(e.dtype));
  if (array.ElementSize() != part || array.ByteLength() != size_t(e.elements) * item_size(e.dtype)) {
    throw Error("BAD_ARGUMENT", "Tensor.from: expected " + std::to_string(e.elements) + " elements of " + dtype_name(e.dtype) +
                                  " for the shape but received " + std::to_string(array.ByteLength()) + " bytes");
  }
  auto tensor = torch::empty(e.shape, e.dtype);
  void* data = nullptr;  // array.ArrayBuffer() refuses shared memory
  size_t length = 0;
  napi_get_typedarray_info(info.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  if (e.elements > 0 && data != nullptr) std::memcpy(tensor.mutable_data_ptr(), data, length * array.ElementSize());
  return give_tensor(info.Env(), with_clean_bools(tensor));
}

Napi::Value tensor_map(const Napi::CallbackInfo& info) {
  const auto path = text(info[0], "path");
  const auto offset = integer(info[1], "offset");
  const auto e = extent(info[2], info[3]);
  require_bytes(path, offset, e);
  const auto size = int64_t(item_size(e.dtype));
  if (offset % size != 0)
    throw Error("BAD_ARGUMENT", "Tensor.map: expected an offset that is a multiple of " + std::to_string(size));
  const auto tensor = map_files({{path, offset, e.elements * size}}, e.shape, e.dtype);
  return give(info.Env(), std::make_shared<Cell>(tensor), 0);
}

// tensorMapFiles([[path, offset, bytes] …], shape, dtype) -> Promise<handle>
Napi::Value tensor_map_files(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  const auto e = extent(info[1], info[2]);
  const auto size = int64_t(item_size(e.dtype));
  std::vector<Stretch> stretches;
  int64_t bytes = 0;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto item = list.Get(i).As<Napi::Array>();
    const auto& added = stretches.emplace_back(
      Stretch{text(item.Get(0u), "path"), integer(item.Get(1u), "offset"), integer(item.Get(2u), "bytes")});
    if (added.offset < 0 || added.bytes < 0 || added.offset % size != 0 || added.bytes % size != 0)
      throw Error("BAD_ARGUMENT", "Tensor.map: expected offsets and bytes that are multiples of " + std::to_string(size));
    bytes += added.bytes;
  }
  if (bytes != e.elements * size || stretches.empty())
    throw Error("BAD_ARGUMENT", "Tensor.map: expected files of " + std::to_string(e.elements * size) + " bytes together");
  return run_async(info.Env(), [=] { return map_files(stretches, e.shape, e.dtype); }, give_tensor);
}

Napi::Value tensor_read(const Napi::CallbackInfo& info) {
  const auto path = text(info[0], "path");
  const auto offset = integer(info[1], "offset");
  const auto e = extent(info[2], info[3]);
  return run_async(
    info.Env(),
    [=] {
      require_bytes(path, offset, e);
      auto tensor = torch::empty(e.shape, e.dtype);
      std::ifstream file(path_of(path), std::ios::binary);
      const auto count = e.elements * int64_t(item_size(e.dtype));
      if (!file.seekg(offset) || !file.read(static_cast<char*>(tensor.mutable_data_ptr()), count)) {
        throw Error("DATA_FORMAT",
                    "Tensor: could not read " + std::to_string(count) + " bytes at " + std::to_string(offset) + " of " + path);
      }
      return with_clean_bools(tensor);
    },
    give_tensor);
}

// tensorIsHandle(handle) -> true
Napi::Value tensor_is_handle(const Napi::CallbackInfo& info) {
  take<Cell>(info[0]);
  return Napi::Boolean::New(info.Env(), true);
}
Napi::Value tensor_shape(const Napi::CallbackInfo& info) {
  const auto tensor = take_tensor(info[0]);
  auto shape = Napi::Array::New(info.Env(), size_t(tensor.dim()));
  for (int64_t i = 0; i < tensor.dim(); ++i) shape.Set(uint32_t(i), double(tensor.size(i)));
  return shape;
}
Napi::Value tensor_dtype(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), dtype_name(take_tensor(info[0]).scalar_type()));
}
Napi::Value tensor_device(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), take_tensor(info[0]).device().str());
}

Napi::Value tensor_data(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [cell = take<Cell>(info[0])] {
      const auto plain = value_of(*cell).detach().to(torch::kCPU);
      return (plain.layout() == torch::kStrided ? plain : plain.to_dense()).resolve_conj().resolve_neg().contiguous();
    },
    [](Napi::Env env, Tensor tensor) -> Napi::Value {
      auto buffer = Napi::ArrayBuffer::New(env, tensor.nbytes());
      if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), tensor.nbytes());
      auto object = Napi::Object::New(env);
      object.Set("buffer", buffer);
      object.Set("dtype", dtype_name(tensor.scalar_type()));
      return object;
    });
}

// In float64, so that the check of norms does not depend on the dtype; a row that is not finite gives NaN or Inf.
Napi::Value row_norms(const Napi::CallbackInfo& info) {
  const auto tensor = take_tensor(info[0]);
  if (tensor.dim() != 2) throw Error("BAD_ARGUMENT", "rowNorms: expected a table of shape [rows, dim]");
  return run_async(
    info.Env(),
    [tensor] {
      torch::InferenceMode inference;
      auto norms = torch::empty({tensor.size(0)}, torch::kFloat64);
      constexpr int64_t block = 4096;
      for (int64_t at = 0; at < tensor.size(0); at += block) {
        const auto n = std::min(block, tensor.size(0) - at);
        norms.narrow(0, at, n).copy_(tensor.narrow(0, at, n).to(torch::kFloat64).norm(2, 1));
      }
      return norms;
    },
    float64_array);
}

}  // namespace

void export_tensors(Napi::Object exports) {
  export_function<tensor_from>(exports, "tensorFrom");
  export_function<tensor_map>(exports, "tensorMap");
  export_function<tensor_map_files>(exports, "tensorMapFiles");
  export_function<tensor_read>(exports, "tensorRead");
  export_function<tensor_is_handle>(exports, "tensorIsHandle");
  export_function<tensor_shape>(exports, "tensorShape");
  export_function<tensor_dtype>(exports, "tensorDtype");
  export_function<tensor_device>(exports, "tensorDevice");
  export_function<tensor_data>(exports, "tensorData");
  export_function<row_norms>(exports, "rowNorms");
}

}  // namespace lvm
