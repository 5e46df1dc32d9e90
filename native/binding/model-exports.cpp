#include "../kernels/packed-weights.h"
#include "../ops/op-table.h"
#include "../train/trainer.h"
#include "convert.h"

namespace lvm {
namespace {

constexpr int deepest = 64;  // deepest nesting of nodes, so that no spec overflows the stack

Node read_node(Napi::Value value, int depth = 0) {
  if (!value.IsObject()) throw Error("BAD_SPEC", "spec: expected a node");
  if (depth > deepest) throw Error("BAD_SPEC", "spec: expected at most " + std::to_string(deepest) + " nodes inside each other");
  const auto object = value.As<Napi::Object>();
  const Napi::Value params = object.Get("params"), of = object.Get("of");
  Node node;
  if (!object.Get("op").IsString() || !params.IsObject() || !of.IsArray()) {
    throw Error("BAD_SPEC", "spec: expected a node with op, params and a list of nodes");
  }
  node.op = text(object.Get("op"), "op");
  const auto& kinds = find_op(node.op).params;
  try {
    if (object.Has("name")) node.name = text(object.Get("name"), "name");
    node.tied = object.Has("tied");
    for (const auto& [name, kind] : kinds) {
      const Napi::Value v = params.As<Napi::Object>().Get(name);
      const std::string wanted = kind;
      if (wanted == "int") node.params[name] = positive(v, name);
      else if (wanted == "count") node.params[name] = count(v, name);
      else if (wanted == "real") node.params[name] = real(v, name);
      else if (wanted == "text") node.params[name] = text(v, name);
      else if (v.IsBoolean()) node.params[name] = v.As<Napi::Boolean>().Value();
      else throw Error("BAD_SPEC", std::string("expected true or false for \"") + name + "\"");
    }
  } catch (const Error& error) {
    throw Error("BAD_SPEC", "spec: " + node.op + ": " + error.what());
  }
  const auto children = of.As<Napi::Array>();
  for (uint32_t i = 0; i < children.Length(); ++i) node.of.push_back(read_node(children.Get(i), depth + 1));
  return node;
}

std::set<std::string> words(Napi::Value value) {
  std::set<std::string> all;
  if (!value.IsArray()) return all;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) all.insert(text(list.Get(i), "name"));
  return all;
}

// model(spec, dtype, device, seed | null, names of matrices that are packed later | undefined) -> Promise<handle>
Napi::Value model(const Napi::CallbackInfo& info) {
  const auto spec = read_node(info[0]);
  const Placement placement{dtype_of(text(info[1], "dtype")), device_of(text(info[2], "device"))};
  const auto seed = info[3].IsNull() ? std::nullopt : std::optional<uint64_t>(uint64_t(integer(info[3], "seed")));
  return run_async(
    info.Env(), [=, later = words(info[4])] { return std::make_shared<Model>(spec, placement, seed, later); },
    [](Napi::Env env, std::shared_ptr<Model> model) -> Napi::Value {
      const auto bytes = model->bytes();
      return give(env, std::move(model), bytes);
    });
}

// The model's own tensors: writing to them changes the model. Packed matrices are not listed.
Napi::Value model_state(const Napi::CallbackInfo& info) {
  const auto model = take<Model>(info[0]);
  auto list = Napi::Array::New(info.Env());
  for (const auto& p : model->parameters()) {
    if (!p.value.defined()) continue;
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", p.name);
    entry.Set("tensor", give(info.Env(), std::make_shared<Cell>(p.value.detach()), 0, model));
    entry.Set("trainable", p.trainable);
    constexpr const char* layouts[] = {"rows", "columns", "tap"};
    if (p.matrix) entry.Set("layout", layouts[int(p.matrix->layout)]);
    list.Set(list.Length(), entry);
  }
  return list;
}

// modelLoad(model, {name: tensor}) -> Promise<void>
Napi::Value model_load(const Napi::CallbackInfo& info) {
  const auto given = info[1].As<Napi::Object>();
  const auto names = given.GetPropertyNames();
  std::map<std::string, Tensor> values;
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = Napi::Value(names.Get(i)).ToString();
    values[name] = take_tensor(given.Get(name));
  }
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), values] {
      model->load(values);
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// modelPack(model, name, kernel, values, scales | null) -> Promise<whether the kernel is correct here>
Napi::Value model_pack(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), name = text(info[1], "name"), kernel = text(info[2], "kernel"), values = take_tensor(info[3]),
     scales = take_tensor_or_none(info[4])] {
      torch::InferenceMode inference;
      return model->pack(name, kernel, values, scales);
    },
    [](Napi::Env env, bool right) -> Napi::Value { return Napi::Boolean::New(env, right); });
}

// modelRoundToBf16(model) -> Promise<whether the kernel is correct here>
Napi::Value model_round_to_bf16(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(), [model = take<Model>(info[0])] { return model->round_to_bf16(); },
    [](Napi::Env env, bool right) -> Napi::Value { return Napi::Boolean::New(env, right); });
}

// modelFreeze(model, names of matrices) -> Promise<whether any was frozen>
Napi::Value model_freeze(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(), [model = take<Model>(info[0]), names = words(info[1])] { return model->freeze(names); },
    [](Napi::Env env, bool any) -> Napi::Value { return Napi::Boolean::New(env, any); });
}

// timeKernels(scheme, out, in, rows: Int32Array) -> Promise<{kernel: [milliseconds]}>
Napi::Value time_packed(const Napi::CallbackInfo& info) {
  const auto given = ids(info[3]).to(torch::kInt64);
  const std::vector<int64_t> rows(given.const_data_ptr<int64_t>(), given.const_data_ptr<int64_t>() + given.numel());
  return run_async(
    info.Env(),
    [scheme = text(info[0], "scheme"), out = positive(info[1], "out"), in = positive(info[2], "in"), rows] {
      return time_kernels(scheme, out, in, rows);
    },
    [](Napi::Env env, std::map<std::string, std::vector<double>> times) -> Napi::Value {
      auto object = Napi::Object::New(env);
      for (const auto& [kernel, all] : times) {
        auto list = Napi::Array::New(env);
        for (size_t i = 0; i < all.size(); ++i) list.Set(uint32_t(i), all[i]);
        object.Set(kernel, list);
      }
      return object;
    });
}

// wrongKernels(scheme, out, in) -> Promise<[kernel]>
Napi::Value wrong_packed(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [scheme = text(info[0], "scheme"), out = positive(info[1], "out"), in = positive(info[2], "in")] {
      return wrong_kernels(scheme, out, in);
    },
    [](Napi::Env env, std::vector<std::string> names) -> Napi::Value {
      auto list = Napi::Array::New(env);
      for (const auto& name : names) list.Set(list.Length(), name);
      return list;
    });
}

// modelPredict(model, x, all, raw) -> Promise<tensor>
Napi::Value model_predict(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), x = take_tensor(info[1]), all = info[2].ToBoolean().Value(),
     raw = info[3].ToBoolean().Value()] { return model->predict(x, all, raw); },
    give_tensor);
}

// modelExamine(model, x, target) -> Promise<{name: tensor}>: outputs of all named nodes, raw and unit outputs at all positions
// and at the last, the loss of the unit output, and its gradients. For tests and golden rows.
Napi::Value model_examine(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), given = take_tensor(info[1]), target = take_tensor(info[2])] {
      std::map<std::string, Tensor> seen, result;
      model->thaw();
      auto x = model->checked(given).detach().clone().set_requires_grad(true);
      Pass pass;
      pass.seen = &seen;
      const auto raw_all = model->forward(x, pass);
      pass.seen = nullptr;
      pass.last_only = true;
      const auto raw = model->forward(x, pass).squeeze(1);
      const auto loss = loss_of(raw, target.to(raw.options()), Loss::mse, true);
      loss.backward();
      for (const auto& [name, value] : seen) result["seen/" + name] = value.detach();
      result["raw_all"] = raw_all.detach();
      result["raw"] = raw.detach();
      result["out"] = normalised(raw).detach();
      result["loss"] = loss.detach().view({1});
      result["grad_x"] = x.grad();
      for (const auto& p : model->parameters()) {
        if (!p.trainable) continue;
        auto value = p.value;
        result["grad/" + p.name] = value.grad().defined() ? value.grad() : torch::zeros_like(value.detach());
        value.mutable_grad().reset();
      }
      return result;
    },
    [](Napi::Env env, std::map<std::string, Tensor> result) -> Napi::Value {
      auto object = Napi::Object::New(env);
      for (const auto& [name, value] : result) object.Set(name, give_tensor(env, value));
      return object;
    });
}

Napi::Value describe_ops(const Napi::CallbackInfo& info) {
  auto all = Napi::Object::New(info.Env());
  for (const auto& op : ops()) {
    auto params = Napi::Object::New(info.Env());
    for (const auto& [name, kind] : op.params) params.Set(name, kind);
    all.Set(op.name, params);
  }
  return all;
}

}  // namespace

void export_models(Napi::Object exports) {
  export_function<describe_ops>(exports, "describeOps");
  export_function<model>(exports, "model");
  export_function<model_state>(exports, "modelState");
  export_function<model_load>(exports, "modelLoad");
  export_function<model_pack>(exports, "modelPack");
  export_function<model_round_to_bf16>(exports, "modelRoundToBf16");
  export_function<model_freeze>(exports, "modelFreeze");
  export_function<time_packed>(exports, "timeKernels");
  export_function<wrong_packed>(exports, "wrongKernels");
  export_function<model_predict>(exports, "modelPredict");
  export_function<model_examine>(exports, "modelExamine");
}

}  // namespace lvm
