// Gradients of tensors, and generators of random numbers.

#include "deferred.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

namespace lvm {
namespace {

Cells cells_of(Napi::Value value) {
  Cells cells;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) cells.push_back(take<Cell>(list.Get(i)));
  return cells;
}

std::shared_ptr<Cell> cell_or_none(Napi::Value value) {
  return value.IsNull() || value.IsUndefined() ? nullptr : take<Cell>(value);
}

// tensorBackward(handle, gradient | null, keep the graph, record it, flags, number of the call) -> Promise<void>
Napi::Value tensor_backward(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [cell = take<Cell>(info[0]), given = cell_or_none(info[1]), keep = info[2].ToBoolean().Value(),
     record = info[3].ToBoolean().Value(), facts = call_facts(info[4], info[5])] {
      try {
        const auto gradient = given ? value_of(*given) : Tensor();
        value_of(*cell).backward(gradient, keep, record);
      } catch (...) {
        std::rethrow_exception(refused("backward", facts, std::current_exception()));
      }
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// gradientsOf(outputs, inputs, keep the graph, record it, flags, number of the call) -> [handle] of the gradient of each input
Napi::Value gradients_of(const Napi::CallbackInfo& info) {
  const auto outputs = cells_of(info[0]), inputs = cells_of(info[1]);
  const auto keep = info[2].ToBoolean().Value(), record = info[3].ToBoolean().Value();
  return post_call(info.Env(), "gradientsOf", call_facts(info[4], info[5]), inputs.size(), [=] {
    const auto values = [](const Cells& cells) {
      std::vector<Tensor> all;
      for (const auto& cell : cells) all.push_back(value_of(*cell));
      return all;
    };
    const auto inner = values(inputs);
    auto gradients = torch::autograd::grad(values(outputs), inner, {}, keep, record, true);
    for (size_t i = 0; i < gradients.size(); ++i)  // outputs that do not depend on an input have a gradient of zero
      if (!gradients[i].defined()) gradients[i] = torch::zeros_like(inner[i]);
    return gradients;
  });
}

// Waits for all that was queued, as a gradient comes from calls on other tensors.
Napi::Value tensor_grad(const Napi::CallbackInfo& info) {
  const auto cell = take<Cell>(info[0]);
  const auto grad = wait_for(info.Env(), "grad", {0, true, false}, [cell] { return value_of(*cell).grad(); });
  return grad.defined() ? give_tensor(info.Env(), grad).As<Napi::Value>() : info.Env().Undefined();
}

// tensorClearGrad(handle, number of the call)
Napi::Value tensor_clear_grad(const Napi::CallbackInfo& info) {
  const auto cell = take<Cell>(info[0]);
  return post_change(info.Env(), "grad", {real(info[1], "call"), true, false}, cell, [cell]() -> std::vector<Tensor> {
    value_of(*cell).mutable_grad().reset();
    return {};
  });
}

// tensorRequiresGrad(handle, set?) -> boolean: in the order of the calls
Napi::Value tensor_requires_grad(const Napi::CallbackInfo& info) {
  const auto cell = take<Cell>(info[0]);
  const auto set = info[1].IsBoolean() ? std::optional(info[1].As<Napi::Boolean>().Value()) : std::nullopt;
  const auto requires_grad = wait_for(info.Env(), "requiresGrad", {0, true, false}, [cell, set] {
    auto tensor = value_of(*cell);
    if (set == true && !tensor.is_floating_point() && !tensor.is_complex()) {
      throw Error("BAD_ARGUMENT", std::string("requiresGrad: expected a tensor of a floating-point dtype but received ") +
                                    dtype_name(tensor.scalar_type()));
    }
    if (set == false && !tensor.is_leaf())
      throw Error("BAD_ARGUMENT", "requiresGrad: expected a tensor that no operator computed; use detach()");
    if (set) tensor.set_requires_grad(*set);
    return tensor.requires_grad();
  });
  return Napi::Boolean::New(info.Env(), requires_grad);
}

// generator(seed) -> handle
Napi::Value generator(const Napi::CallbackInfo& info) {
  return give(info.Env(), std::make_shared<at::Generator>(at::detail::createCPUGenerator(uint64_t(integer(info[0], "seed")))), 0);
}

// generatorSeed(handle | null for the default of the CPU, seed): takes effect after the calls before
Napi::Value generator_seed(const Napi::CallbackInfo& info) {
  auto generator = info[0].IsNull() ? at::detail::getDefaultCPUGenerator() : *take<at::Generator>(info[0]);
  wait_for(info.Env(), "seed", {0, true, false}, [generator, seed = uint64_t(integer(info[1], "seed"))]() mutable {
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(seed);
    return true;
  });
  return info.Env().Undefined();
}

}  // namespace

void export_gradients(Napi::Object exports) {
  export_function<tensor_backward>(exports, "tensorBackward");
  export_function<gradients_of>(exports, "gradientsOf");
  export_function<tensor_grad>(exports, "tensorGrad");
  export_function<tensor_clear_grad>(exports, "tensorClearGrad");
  export_function<tensor_requires_grad>(exports, "tensorRequiresGrad");
  export_function<generator>(exports, "generator");
  export_function<generator_seed>(exports, "generatorSeed");
}

}  // namespace lvm
