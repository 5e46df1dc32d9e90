#include "../evaluate/retrieval.h"

#include "convert.h"

namespace lvm {
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

// retrieve(queries, bank, {target, first, excluded}, k) -> Promise<{all: Ranking, allowed: Ranking}>
Napi::Value retrieve_rows(const Napi::CallbackInfo& info) {
  const auto rows = info[2].As<Napi::Object>();
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [queries = take_tensor(info[0]), bank = take_tensor(info[1]), target = ids(rows.Get("target")),
     first = ids(rows.Get("first")), excluded = ids(rows.Get("excluded")), k = positive(info[3], "k"),
     &stop] { return retrieve(queries, bank, target, first, excluded, k, stop); },
    [](Napi::Env env, const Retrieval& found) {
      auto object = Napi::Object::New(env);
      object.Set("all", ranking_object(env, found.all));
      object.Set("allowed", ranking_object(env, found.allowed));
      return object;
    });
}

}  // namespace

void export_retrieval(Napi::Object exports) { export_function<retrieve_rows>(exports, "retrieve"); }

}  // namespace lvm
