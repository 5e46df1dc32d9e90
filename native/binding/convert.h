#pragma once
#include "../data/mapped-file.h"
#include "../data/samples.h"
#include "../model/predictor-model.h"
#include "handle.h"
#include "lane.h"

namespace lvm {

struct Stepper {
  std::shared_ptr<Model> model;
  State state;
  int64_t batch;
};

template <>
struct Kind<Cell> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 1};
  static constexpr const char* name = "tensor";
};
template <>
struct Kind<Model> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 2};
  static constexpr const char* name = "model";
};
template <>
struct Kind<Samples> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 3};
  static constexpr const char* name = "samples";
};
template <>
struct Kind<Stepper> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 4};
  static constexpr const char* name = "stepper";
};

template <>
struct Kind<at::Generator> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 12};
  static constexpr const char* name = "generator";
};

Napi::Object give_tensor(Napi::Env env, const Tensor& tensor);
int64_t bytes_of(const Tensor& tensor);  // that it holds in memory of the CPU
// Waits until the tensor is computed.
// Errors: those of the calls that made it; DATA_CHANGED for a mapped file that has changed
Tensor take_tensor(Napi::Value value);
// The value of a cell, on the lane. Errors: as take_tensor
Tensor value_of(const Cell& cell);
// undefined or null -> an undefined tensor
inline Tensor take_tensor_or_none(Napi::Value value) {
  return value.IsNull() || value.IsUndefined() ? Tensor() : take_tensor(value);
}

// A value that does not match an argument of an operator.
struct Misfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Converts arguments to those that a form of an operator takes. With `cells` tensors that are not computed yet are taken too:
// their places stay undefined, and fill_cells() fills them in the same order.
// Errors: Misfit
std::vector<c10::IValue> fit_all(const c10::FunctionSchema& schema, Napi::Array given, std::optional<Napi::Object> named,
                                 std::vector<std::shared_ptr<Cell>>* cells = nullptr);
void fill_cells(std::vector<c10::IValue>& stack, const std::vector<std::shared_ptr<Cell>>& cells);
Napi::Value to_js(Napi::Env env, const c10::IValue& value);

std::optional<torch::Dtype> dtype_named(const std::string& name);
torch::Dtype dtype_of(const std::string& name);
const char* dtype_name(torch::Dtype dtype);
std::optional<torch::Device> device_named(const std::string& name);  // also if it is not available
torch::Device device_of(const std::string& name);                    // Errors: DEVICE_UNAVAILABLE
std::string text(Napi::Value value, const char* what);
std::string cut(const std::string& text);         // at most 80 bytes, for messages
std::optional<int64_t> whole(Napi::Value value);  // a number or bigint that is an integer of 64 bits
int64_t integer(Napi::Value value, const char* what);
int64_t positive(Napi::Value value, const char* what);
int64_t count(Napi::Value value, const char* what);  // 0 or more
double real(Napi::Value value, const char* what);
std::vector<int64_t> integers(Napi::Value value, const char* what);
std::vector<double> reals(Napi::Value value);
Tensor ids(Napi::Value value);  // Int32Array -> int64 tensor, a copy
Napi::Float64Array float64_array(Napi::Env env, const Tensor& tensor);
c10::IValue to_ivalue(Napi::Value value, int depth = 0);  // dicts, lists, numbers, text, tensors

// Registration of exports; one function per file of binding/.
void export_tensors(Napi::Object exports);
void export_call(Napi::Object exports);
void export_deferred(Napi::Object exports);
void export_gradients(Napi::Object exports);
void export_loops(Napi::Object exports);
void export_devices(Napi::Object exports);
void export_models(Napi::Object exports);
void export_steppers(Napi::Object exports);
void export_evaluation(Napi::Object exports);
void export_retrieval(Napi::Object exports);
void export_training(Napi::Object exports);
void export_scripts(Napi::Object exports);
void export_texts(Napi::Object exports);
void export_t5(Napi::Object exports);

}  // namespace lvm
