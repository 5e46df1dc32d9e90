#include "../evaluate/retrieval.h"

#include "convert.h"

namespace lvm {

template <>
struct Kind<Bank> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 8};
  static constexpr const char* name = "bank";
};

namespace {

template <typename Array, typename Number>
Array array_of(Napi::Env env, const std::vector<Number>& values) {
  auto out = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

Napi::Object ranking_object(Napi::Env env, const Ranking& ranking) {
  auto object = Napi::Object::New(env);
  object.Set("ahead", array_of<Napi::Int32Array>(env, ranking.ahead));
  object.Set("tied", array_of<Napi::Int32Array>(env, ranking.tied));
  object.Set("rows", array_of<Napi::Int32Array>(env, ranking.rows));
  object.Set("cosines", array_of<Napi::Float64Array>(env, ranking.cosines));
  object.Set("toTarget", array_of<Napi::Float64Array>(env, ranking.to_target));
  return object;
}

std::shared_ptr<Bank> take_bank(Napi::Value value) {
  return box_of<Bank>(value) ? take<Bank>(value) : std::make_shared<Bank>(take_tensor(value));
}

// bank(vectors) -> handle
Napi::Value bank(const Napi::CallbackInfo& info) {
  auto made = std::make_shared<Bank>(take_tensor(info[0]));
  const auto bytes = made->rows * int64_t(sizeof(double));
  return give(info.Env(), std::move(made), bytes);
}
Napi::Value bank_dispose(const Napi::CallbackInfo& info) {
  dispose_if<Bank>(info[0]);
  return info.Env().Undefined();
}

// {parts, rows, weights} or null; rows and weights are flat
std::optional<QuerySums> take_sums(Napi::Value value, int64_t queries) {
  if (value.IsNull() || value.IsUndefined()) return std::nullopt;
  const auto given = value.As<Napi::Object>();
  const auto rows = ids(given.Get("rows"));
  const auto values = given.Get("weights").As<Napi::Float64Array>();
  if (queries < 1 || rows.size(0) % queries != 0 || int64_t(values.ElementLength()) != rows.size(0))
    throw Error("BAD_ARGUMENT", "retrieve: expected a row and a weight for each term of each query");
  const auto weights = torch::empty({rows.size(0)}, torch::kFloat64);
  std::copy_n(values.Data(), values.ElementLength(), weights.mutable_data_ptr<double>());
  return QuerySums{take_tensor(given.Get("parts")), rows.view({queries, -1}), weights.view({queries, -1})};
}

// retrieve(queries, bank or vectors, {target, first, excluded}, k, sums or null) -> Promise<{all: Ranking, allowed: Ranking}>
Napi::Value retrieve_rows(const Napi::CallbackInfo& info) {
  const auto rows = info[2].As<Napi::Object>();
  auto& stop = environment(info.Env()).stop;
  const auto queries = take_tensor(info[0]);
  return run_async(
    info.Env(),
    [queries, sums = take_sums(info[4], queries.dim() == 2 ? queries.size(0) : 0), bank = take_bank(info[1]),
     target = ids(rows.Get("target")), first = ids(rows.Get("first")), excluded = ids(rows.Get("excluded")),
     k = positive(info[3], "k"),
     &stop] { return retrieve(queries, *bank, target, first, excluded, k, stop, sums ? &*sums : nullptr); },
    [](Napi::Env env, const Retrieval& found) {
      auto object = Napi::Object::New(env);
      object.Set("all", ranking_object(env, found.all));
      object.Set("allowed", ranking_object(env, found.allowed));
      return object;
    });
}

}  // namespace

void export_retrieval(Napi::Object exports) {
  export_function<bank>(exports, "bank");
  export_function<bank_dispose>(exports, "bankDispose");
  export_function<retrieve_rows>(exports, "retrieve");
}

}  // namespace lvm
