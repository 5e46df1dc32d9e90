#include "../kernels/agreement.h"
#include "convert.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Version.h>
#include <torch/version.h>

namespace lvm {
namespace {

Napi::Value devices(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  const auto add = [&](const std::string& name, const std::string& type, Napi::Value memory) {
    auto device = Napi::Object::New(info.Env());
    device.Set("name", name);
    device.Set("type", type);
    device.Set("memory", memory);
    list.Set(list.Length(), device);
  };
  add("cpu", "cpu", info.Env().Null());
  if (const auto accelerator = at::getAccelerator(false)) {
    const auto type = c10::DeviceTypeName(*accelerator, true);
    for (c10::DeviceIndex i = 0; i < at::accelerator::deviceCount(); ++i) {
      Napi::Value memory = info.Env().Null();
      if (*accelerator == torch::kCUDA) memory = Napi::Number::New(info.Env(), double(at::accelerator::getMemoryInfo(i).second));
      add(*accelerator == torch::kMPS ? type : type + ":" + std::to_string(i), type, memory);
    }
  }
  return list;
}

// deviceMemory(device, restart) -> {allocated, peak} in bytes, of an accelerator with an allocator that counts; null for others.
// `restart` sets the peak to what is allocated.
Napi::Value device_memory(const Napi::CallbackInfo& info) {
  const auto device = device_of(text(info[0], "device"));
  if (!device.is_cuda()) return info.Env().Null();
  const auto index = std::max<c10::DeviceIndex>(device.index(), 0);
  if (info[1].ToBoolean().Value()) at::accelerator::resetPeakStats(index);
  const auto stats = at::accelerator::getDeviceStats(index);
  auto object = Napi::Object::New(info.Env());
  object.Set("allocated", double(stats.allocated_bytes[0].current));  // all pools
  object.Set("peak", double(stats.allocated_bytes[0].peak));
  return object;
}

Napi::Value threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), wanted_settings().threads); }
Napi::Value set_threads(const Napi::CallbackInfo& info) {
  const auto n = integer(info[0], "threads");
  if (n < 1 || n > 4096) throw Error("BAD_ARGUMENT", "native: expected 1 to 4096 threads but received " + std::to_string(n));
  want_threads(int(n));
  return info.Env().Undefined();
}
Napi::Value cpu_capability(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), at::get_cpu_capability()); }
Napi::Value libtorch_version(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), TORCH_VERSION); }

// multiplier() -> current library; multiplier("aten" | "onednn") sets it
Napi::Value which_multiplier(const Napi::CallbackInfo& info) {
  if (info[0].IsString()) want_multiplier(text(info[0], "multiplier") == "onednn" ? Multiplier::onednn : Multiplier::aten);
  return Napi::String::New(info.Env(), wanted_settings().multiplier == Multiplier::onednn ? "onednn" : "aten");
}
// timeMultipliers() -> Promise<{aten, onednn}> in milliseconds
Napi::Value time_both(const Napi::CallbackInfo& info) {
  return run_async(info.Env(), time_multipliers, [](Napi::Env env, MultiplierTimes times) -> Napi::Value {
    auto object = Napi::Object::New(env);
    object.Set("aten", times.aten);
    object.Set("onednn", times.onednn);
    return object;
  });
}
// timeProducts("aten" | "onednn", rows, out, in, dtype) -> Promise<{forward, dx, dw}> in milliseconds
Napi::Value time_layer(const Napi::CallbackInfo& info) {
  const auto kind = text(info[0], "multiplier") == "onednn" ? Multiplier::onednn : Multiplier::aten;
  return run_async(
    info.Env(),
    [kind, rows = positive(info[1], "rows"), out = positive(info[2], "out"), in = positive(info[3], "in"),
     dtype = dtype_of(text(info[4], "dtype"))] { return time_products(kind, rows, out, in, dtype); },
    [](Napi::Env env, ProductTimes times) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object.Set("forward", times.forward);
      object.Set("dx", times.dx);
      object.Set("dw", times.dw);
      return object;
    });
}
// multiplierAgrees("aten" | "onednn") -> Promise<boolean>
Napi::Value multiplier_agrees(const Napi::CallbackInfo& info) {
  const auto kind = text(info[0], "multiplier") == "onednn" ? Multiplier::onednn : Multiplier::aten;
  return run_async(
    info.Env(), [kind] { return agrees(kind); },
    [](Napi::Env env, bool right) -> Napi::Value { return Napi::Boolean::New(env, right); });
}

}  // namespace

void export_devices(Napi::Object exports) {
  export_function<devices>(exports, "devices");
  export_function<device_memory>(exports, "deviceMemory");
  export_function<threads>(exports, "threads");
  export_function<set_threads>(exports, "setThreads");
  export_function<cpu_capability>(exports, "cpuCapability");
  export_function<libtorch_version>(exports, "libtorchVersion");
  export_function<which_multiplier>(exports, "multiplier");
  export_function<time_both>(exports, "timeMultipliers");
  export_function<time_layer>(exports, "timeProducts");
  export_function<multiplier_agrees>(exports, "multiplierAgrees");
}

}  // namespace lvm
