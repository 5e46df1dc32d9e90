// Operators that return at once; lib/torch/apply.ts calls them.

#include "deferred.h"

#include <ATen/TensorIndexing.h>

namespace lvm {
namespace {

using at::indexing::TensorIndex;

// operatorForms(names of forms, in the order to try) -> number for apply()
Napi::Value operator_forms(const Napi::CallbackInfo& info) {
  std::vector<c10::OperatorHandle> forms;
  const auto names = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const auto full = text(names.Get(i), "op");
    const auto dot = full.find('.');
    const auto form =
      c10::Dispatcher::singleton().findSchema({full.substr(0, dot), dot == std::string::npos ? "" : full.substr(dot + 1)});
    if (form) forms.push_back(*form);  // other versions of libtorch have fewer
  }
  auto& all = environment(info.Env()).calls.forms;
  all.push_back(std::move(forms));
  return Napi::Number::New(info.Env(), double(all.size() - 1));
}

bool all_tensors(const c10::FunctionSchema& schema) {
  const auto& results = schema.returns();
  return std::all_of(results.begin(), results.end(),
                     [](const c10::Argument& result) { return result.type()->kind() == c10::TypeKind::TensorType; });
}

Napi::Value run_form(Napi::Env env, const std::string& owner, const c10::OperatorHandle& form, std::vector<c10::IValue> stack,
                     Cells cells, CallFacts facts) {
  auto compute = [form, stack = std::move(stack), cells = std::move(cells)]() mutable {
    fill_cells(stack, cells);
    form.callBoxed(stack);
    return std::exchange(stack, {});
  };
  const auto& schema = form.schema();
  if (!all_tensors(schema)) {  // how many tensors there are shows only when it has run
    const auto results = wait_for(env, owner, facts, std::move(compute));
    return to_js(env, results[0]);
  }
  return post_call(env, owner, facts, schema.returns().size(), [compute = std::move(compute)]() mutable {
    std::vector<Tensor> results;
    for (auto& value : compute()) results.push_back(value.toTensor());
    return results;
  });
}

// Whether a tensor is given exactly where the form takes one. Sorts forms out more quickly than an exception.
bool may_fit(const c10::FunctionSchema& schema, Napi::Array given) {
  const auto& arguments = schema.arguments();
  const auto n = given.Length();
  for (uint32_t i = 0; i < n && i < arguments.size(); ++i) {
    const auto kind = arguments[i].real_type()->kind();
    const auto tensor = kind == c10::TypeKind::TensorType, number = kind == c10::TypeKind::NumberType;
    if ((tensor || number) && (box_of<Cell>(given.Get(i)) == nullptr) == tensor) return false;
  }
  return true;
}

// All forms of an operator, and why they do not take the arguments.
std::string misfits_of(const std::vector<c10::OperatorHandle>& forms, Napi::Array given, std::optional<Napi::Object> named) {
  std::ostringstream lines;
  for (const auto& form : forms) {
    Cells cells;
    try {
      fit_all(form.schema(), given, named, &cells);
    } catch (const Misfit& misfit) {
      lines << "\n  " << form.schema() << ": " << misfit.what();
    }
  }
  return lines.str();
}

// apply(number of the operator, arguments, named arguments | undefined, flags, number of the call) -> handle | [handle]
Napi::Value apply(const Napi::CallbackInfo& info) {
  const auto& all = environment(info.Env()).calls.forms;
  const auto& forms = all.at(size_t(count(info[0], "op")));
  if (forms.empty()) throw Error("BAD_ARGUMENT", "call: this libtorch has no such operator");
  const auto given = info[1].As<Napi::Array>();
  const auto named = info[2].IsUndefined() ? std::nullopt : std::optional(info[2].As<Napi::Object>());
  const auto facts = call_facts(info[3], info[4]);
  const auto name = forms[0].schema().name();
  const auto owner = name.substr(name.find("::") + 2);
  for (const auto& form : forms) {
    if (!may_fit(form.schema(), given)) continue;
    Cells cells;
    std::vector<c10::IValue> stack;
    try {
      stack = fit_all(form.schema(), given, named, &cells);
    } catch (const Misfit&) {
      continue;
    }
    if (owner.back() != '_') return run_form(info.Env(), owner, form, std::move(stack), std::move(cells), facts);
    const auto changed = cells.at(0);
    return post_change(info.Env(), owner, facts, changed,
                       [form, stack = std::move(stack), cells = std::move(cells)]() mutable -> std::vector<Tensor> {
                         fill_cells(stack, cells);
                         form.callBoxed(stack);
                         return {};
                       });
  }
  throw Error("BAD_ARGUMENT", owner + ": no form takes these arguments:" + misfits_of(forms, given, named));
}

// A number, null, text "..." or a list of start, stop and step; or a tensor, which comes from a cell.
std::optional<TensorIndex> index_of(Napi::Value item) {
  if (item.IsNull()) return TensorIndex(at::indexing::None);
  if (item.IsString()) return TensorIndex(at::indexing::Ellipsis);
  if (item.IsNumber()) return TensorIndex(integer(item, "index"));
  if (!item.IsArray()) return std::nullopt;
  const auto bounds = item.As<Napi::Array>();
  const auto bound = [&](uint32_t i) {
    const Napi::Value value = bounds.Get(i);
    return value.IsNull() ? std::optional<c10::SymInt>() : std::optional<c10::SymInt>(integer(value, "index"));
  };
  return TensorIndex(at::indexing::Slice(bound(0), bound(1), bound(2)));
}

// tensorAt(handle, indices, flags, number of the call) -> handle
Napi::Value tensor_at(const Napi::CallbackInfo& info) {
  const auto cell = take<Cell>(info[0]);
  const auto items = info[1].As<Napi::Array>();
  std::vector<std::pair<std::optional<TensorIndex>, std::shared_ptr<Cell>>> indices;
  for (uint32_t i = 0; i < items.Length(); ++i) {
    const Napi::Value item = items.Get(i);
    auto index = index_of(item);
    indices.emplace_back(index, index ? nullptr : take<Cell>(item));
  }
  return post_call(info.Env(), "at", call_facts(info[2], info[3]), 1, [cell, indices]() -> std::vector<Tensor> {
    std::vector<TensorIndex> all;
    for (const auto& [index, tensor] : indices) all.push_back(index ? *index : TensorIndex(value_of(*tensor)));
    return {value_of(*cell).index(all)};
  });
}

// tensorReady(handle) -> Promise<void>
Napi::Value tensor_ready(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(), [cell = take<Cell>(info[0])] { return value_of(*cell).defined(); },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// flushCalls(): wakes the lane
Napi::Value flush_calls(const Napi::CallbackInfo& info) {
  environment(info.Env()).lane.flush();
  return info.Env().Undefined();
}

// callsDone() -> [number of the last call that has run, numbers of those that failed since this was last asked …]
Napi::Value calls_done(const Napi::CallbackInfo& info) {
  auto& calls = environment(info.Env()).calls;
  auto list = Napi::Array::New(info.Env());
  list.Set(0u, calls.done.load());
  const std::lock_guard lock(calls.mutex);
  for (const auto number : std::exchange(calls.failed, {})) list.Set(list.Length(), number);
  return list;
}

// The first and last elements of each dimension of a large tensor.
Tensor corners(Tensor tensor) {
  constexpr int64_t few = 100, edge = 3;
  if (tensor.numel() <= few) return tensor;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    const auto n = tensor.size(i);
    if (n > 2 * edge) tensor = torch::cat({tensor.narrow(i, 0, edge), tensor.narrow(i, n - edge, edge)}, i);
  }
  return tensor;
}

struct Preview {
  std::vector<int64_t> shape;
  std::string dtype, device;
  bool requires_grad;
  Tensor values;  // [elements] in float64; undefined if there are too many
};

Preview preview(const Tensor& tensor) {
  constexpr int64_t most = 300;
  torch::NoGradGuard no_grad;
  Preview p{tensor.sizes().vec(), dtype_name(tensor.scalar_type()), tensor.device().str(), tensor.requires_grad(), {}};
  if (tensor.layout() != torch::kStrided || tensor.is_complex()) return p;
  const auto seen = corners(tensor.detach());
  if (seen.numel() <= most) p.values = seen.to(torch::kCPU).to(torch::kFloat64).flatten();
  return p;
}

// tensorPreview(handle, milliseconds to wait) -> {shape, dtype, device, requiresGrad, values: Float64Array | null} | null
Napi::Value tensor_preview(const Napi::CallbackInfo& info) {
  struct Outcome {
    Preview preview;
    std::exception_ptr error;
    std::atomic<bool> done = false;
  };
  struct Look final : Lane::Job {
    Look(std::shared_ptr<Cell> cell, std::shared_ptr<Outcome> outcome) : cell(std::move(cell)), outcome(std::move(outcome)) {}
    void execute() override { outcome->preview = preview(value_of(*cell)); }
    void fail(std::exception_ptr error) override { outcome->error = error; }
    void finish() override { outcome->done = true; }
    const std::shared_ptr<Cell> cell;
    const std::shared_ptr<Outcome> outcome;
  };
  const auto env = info.Env();
  const auto outcome = std::make_shared<Outcome>();
  auto& lane = environment(env).lane;
  lane.post(std::make_unique<Look>(take<Cell>(info[0]), outcome));
  const std::chrono::milliseconds limit(integer(info[1], "milliseconds"));
  if (!lane.wait([&] { return outcome->done.load(); }, limit)) return env.Null();
  if (outcome->error) std::rethrow_exception(outcome->error);
  const auto& [shape, dtype, device, requires_grad, values] = outcome->preview;
  auto object = Napi::Object::New(env);
  auto sizes = Napi::Array::New(env, shape.size());
  for (uint32_t i = 0; i < shape.size(); ++i) sizes.Set(i, double(shape[i]));
  object.Set("shape", sizes);
  object.Set("dtype", dtype);
  object.Set("device", device);
  object.Set("requiresGrad", requires_grad);
  object.Set("values", values.defined() ? Napi::Value(float64_array(env, values)) : env.Null());
  return object;
}

}  // namespace

void export_deferred(Napi::Object exports) {
  export_function<operator_forms>(exports, "operatorForms");
  export_function<apply>(exports, "apply");
  export_function<tensor_at>(exports, "tensorAt");
  export_function<tensor_ready>(exports, "tensorReady");
  export_function<flush_calls>(exports, "flushCalls");
  export_function<calls_done>(exports, "callsDone");
  export_function<tensor_preview>(exports, "tensorPreview");
}

}  // namespace lvm
