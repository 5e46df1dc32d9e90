// Models and optimizers for training loops of one's own.

#include "../train/sgd.h"
#include "deferred.h"

namespace lvm {

// One of the two.
struct OwnOptimizer {
  std::unique_ptr<Optimizer> adamw;
  std::unique_ptr<Sgd> sgd;
  std::vector<Slot>& slots() { return adamw ? adamw->slots : sgd->slots; }
  int64_t& steps() { return adamw ? adamw->steps : sgd->steps; }
  // Learning rate and weight decay of each slot.
  double step(const std::vector<double>& rates, const std::vector<double>& decays) {
    const auto any = std::any_of(slots().begin(), slots().end(), [](const Slot& slot) { return slot.moves(); });
    if (!any) throw Error("BAD_ARGUMENT", "step: expected gradients but no parameter has one; call backward() on the loss first");
    for (size_t i = 0; i < slots().size(); ++i) {
      auto& slot = slots()[i];
      slot.lr_scale = rates.at(i);
      slot.weight_decay = slot.traits.decay ? decays.at(i) : 0;
    }
    return adamw ? adamw->step(1) : sgd->step(1);
  }
};
template <>
struct Kind<OwnOptimizer> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 13};
  static constexpr const char* name = "optimizer";
};

namespace {

// modelParameters(model) -> [{name, tensor, trainable, decay, lrCap}]: the tensors that forward() computes with
Napi::Value model_parameters(const Napi::CallbackInfo& info) {
  const auto model = take<Model>(info[0]);
  auto list = Napi::Array::New(info.Env());
  for (const auto& p : model->parameters()) {
    if (!p.value.defined())
      throw Error("BAD_ARGUMENT", "parameters: expected a model whose weights are not quantised; load it with { exact: true }");
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", p.name);
    entry.Set("tensor", give(info.Env(), std::make_shared<Cell>(p.value), 0, model));
    entry.Set("trainable", p.trainable);
    entry.Set("decay", p.traits.decay);
    entry.Set("lrCap", p.traits.lr_cap);
    list.Set(list.Length(), entry);
  }
  return list;
}

// modelForward(model, x, all positions, seed | null for no dropout, pass, flags, number of the call) -> handle
Napi::Value model_forward(const Napi::CallbackInfo& info) {
  const auto model = take<Model>(info[0]);
  const auto x = take<Cell>(info[1]);
  const auto all = info[2].ToBoolean().Value(), training = !info[3].IsNull();
  const Random random{training ? uint64_t(integer(info[3], "seed")) : 0, uint64_t(count(info[4], "pass"))};
  return post_call(info.Env(), "forward", call_facts(info[5], info[6]), 1, [=]() -> std::vector<Tensor> {
    model->thaw();
    Pass pass;
    pass.training = training;
    pass.random = random;
    pass.last_only = !all;
    auto y = model->forward(model->checked(value_of(*x)), pass);
    if (y.scalar_type() == torch::kBFloat16) y = y.to(torch::kFloat32);
    if (!all) y = y.squeeze(1);
    return {model->unit ? normalised(y) : y};
  });
}

std::vector<Parameter> parameters_of(Napi::Value value) {
  std::vector<Parameter> parameters;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto entry = list.Get(i).As<Napi::Object>();
    const auto name = text(entry.Get("name"), "name");
    const auto tensor = take_tensor(entry.Get("tensor"));
    if (!tensor.requires_grad() || !tensor.is_leaf() || !tensor.is_contiguous() || tensor.is_inference()) {
      throw Error("BAD_ARGUMENT",
                  "optimizer: expected tensors that require a gradient, that no operator computed and that lie "
                  "in one piece, but \"" +
                    cut(name) + "\" is not one");
    }
    parameters.push_back({name, tensor, true, {entry.Get("decay").ToBoolean().Value(), real(entry.Get("lrCap"), "lrCap")}});
  }
  return parameters;
}

// optimizer(kind, [{name, tensor, decay, lrCap}], options) -> handle
Napi::Value optimizer(const Napi::CallbackInfo& info) {
  const auto parameters = parameters_of(info[1]);
  const auto o = info[2].As<Napi::Object>();
  const auto number = [&](const char* key) { return real(o.Get(key), key); };
  auto made = std::make_shared<OwnOptimizer>();
  if (text(info[0], "kind") == "sgd") {
    made->sgd = std::make_unique<Sgd>(
      parameters, SgdOptions{number("momentum"), number("weightDecay"), o.Get("nesterov").ToBoolean().Value(), number("clip")});
  } else {
    made->adamw = std::make_unique<Optimizer>(
      parameters,
      OptimizerOptions{number("weightDecay"), number("beta1"), number("beta2"), number("eps"), number("clip"), number("ema"),
                       o.Get("emaWarmup").ToBoolean().Value(), uint64_t(integer(o.Get("seed"), "seed"))});
  }
  int64_t bytes = 0;
  for (const auto& slot : made->slots())
    for (const auto& tensor : {slot.m, slot.v, slot.average})
      if (tensor.defined()) bytes += bytes_of(tensor);
  return give(info.Env(), std::move(made), bytes);
}

// optimizerStep(optimizer, learning rates and weight decays of the slots: Float64Array, number of the call) -> Promise<norm of
// the gradients>
Napi::Value optimizer_step(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [own = take<OwnOptimizer>(info[0]), rates = reals(info[1]), decays = reals(info[2]),
     facts = CallFacts{real(info[3], "call"), false, false}] {
      try {
        return own->step(rates, decays);
      } catch (...) {
        std::rethrow_exception(refused("step", facts, std::current_exception()));
      }
    },
    [](Napi::Env env, double norm) -> Napi::Value { return Napi::Number::New(env, norm); });
}

// optimizerState(optimizer) -> {steps, slots: [{name, m?, v?, average?}]}: the optimizer's own tensors
Napi::Value optimizer_state(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto own = take<OwnOptimizer>(info[0]);
  auto slots = Napi::Array::New(env);
  for (const auto& slot : own->slots()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", slot.name);
    const std::pair<const char*, const Tensor&> parts[] = {{"m", slot.m}, {"v", slot.v}, {"average", slot.average}};
    for (const auto& [key, tensor] : parts)
      if (tensor.defined()) entry.Set(key, give(env, std::make_shared<Cell>(tensor), 0, own));
    slots.Set(slots.Length(), entry);
  }
  auto state = Napi::Object::New(env);
  state.Set("steps", double(own->steps()));
  state.Set("slots", slots);
  return state;
}

// optimizerSetSteps(optimizer, n)
Napi::Value optimizer_set_steps(const Napi::CallbackInfo& info) {
  take<OwnOptimizer>(info[0])->steps() = count(info[1], "steps");
  return info.Env().Undefined();
}

// optimizerSwap(optimizer) -> Promise<void>: swaps the weights with their averages
Napi::Value optimizer_swap(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [own = take<OwnOptimizer>(info[0])] {
      if (own->adamw) own->adamw->swap_average();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// optimizerDispose(optimizer)
Napi::Value optimizer_dispose(const Napi::CallbackInfo& info) {
  dispose_whole_if<OwnOptimizer>(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void export_loops(Napi::Object exports) {
  export_function<model_parameters>(exports, "modelParameters");
  export_function<model_forward>(exports, "modelForward");
  export_function<optimizer>(exports, "optimizer");
  export_function<optimizer_step>(exports, "optimizerStep");
  export_function<optimizer_state>(exports, "optimizerState");
  export_function<optimizer_set_steps>(exports, "optimizerSetSteps");
  export_function<optimizer_swap>(exports, "optimizerSwap");
  export_function<optimizer_dispose>(exports, "optimizerDispose");
}

}  // namespace lvm
