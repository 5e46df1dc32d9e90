#include "../evaluate/exponential-means.h"
#include "../evaluate/score.h"
#include "../evaluate/tsne.h"
#include "../train/contrast.h"

#include "convert.h"

namespace lvm {
namespace {

// samples(vectors, targets | null, first: Int32Array, target: Int32Array, context, length: Int32Array | null) -> handle
Napi::Value samples(const Napi::CallbackInfo& info) {
  return give(info.Env(),
              std::make_shared<Samples>(take_tensor(info[0]), take_tensor_or_none(info[1]), ids(info[2]), ids(info[3]),
                                        integer(info[4], "context"), info[5].IsTypedArray() ? ids(info[5]) : Tensor()),
              0);
}

Napi::Value scores_object(Napi::Env env, Tensor table) {
  constexpr const char* columns[] = {"cosine", "cosineCentred", "mseRaw", "mseUnit", "norm"};
  auto object = Napi::Object::New(env);
  for (int64_t i = 0; i < 5; ++i) object.Set(columns[i], float64_array(env, table.select(1, i)));
  return object;
}

// score(raw, samples, ids, centre | null) -> Promise<Scores>
Napi::Value score_rows(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [raw = take_tensor(info[0]), samples = take<Samples>(info[1]), rows = ids(info[2]), centre = take_tensor_or_none(info[3])] {
      torch::InferenceMode inference;
      if (raw.dim() != 2 || raw.size(0) != rows.size(0) || raw.size(1) != samples->dim()) {
        throw Error("BAD_ARGUMENT",
                    "score: expected one prediction of dimension " + std::to_string(samples->dim()) + " per window");
      }
      auto table = torch::empty({rows.size(0), 5}, torch::kFloat64);
      constexpr int64_t block = 2048;
      for (int64_t at = 0; at < rows.size(0); at += block) {
        const auto n = std::min(block, rows.size(0) - at);
        table.narrow(0, at, n).copy_(
          score(raw.narrow(0, at, n), samples->target_rows(rows.narrow(0, at, n), torch::kFloat64), centre));
      }
      return table;
    },
    scores_object);
}

// evaluate(model, samples, ids, {batch, centre}) -> Promise<Scores>
Napi::Value evaluate_model(const Napi::CallbackInfo& info) {
  const auto options = info[3].As<Napi::Object>();
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), samples = take<Samples>(info[1]), rows = ids(info[2]),
     batch = positive(options.Get("batch"), "batch"), centre = take_tensor_or_none(options.Get("centre")),
     &stop] { return evaluate(*model, *samples, rows, batch, centre, stop); },
    scores_object);
}

// predict(model, samples, ids, batch) -> Promise<raw outputs [n, dim]>
Napi::Value predict_rows(const Napi::CallbackInfo& info) {
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), samples = take<Samples>(info[1]), rows = ids(info[2]), batch = positive(info[3], "batch"),
     &stop] { return predict(*model, *samples, rows, batch, stop); },
    give_tensor);
}

// exponentialMeans(samples, ids, decays: Float64Array) -> Promise<means [n, decays, dim]>
Napi::Value means_of_contexts(const Napi::CallbackInfo& info) {
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [samples = take<Samples>(info[0]), rows = ids(info[1]), decays = reals(info[2]), &stop] {
      return exponential_means(*samples, rows, decays, stop);
    },
    give_tensor);
}

// exponentialProducts(samples, ids, decays: Float64Array) -> Promise<products [n, decays + 1, decays + 1]>
Napi::Value products_of_contexts(const Napi::CallbackInfo& info) {
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [samples = take<Samples>(info[0]), rows = ids(info[1]), decays = reals(info[2]), &stop] {
      return exponential_products(*samples, rows, decays, stop);
    },
    give_tensor);
}

// exponentialCosines(samples, ids, decays: Float64Array) -> Promise<cosines [n, decays]>
Napi::Value cosines_of_contexts(const Napi::CallbackInfo& info) {
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [samples = take<Samples>(info[0]), rows = ids(info[1]), decays = reals(info[2]), &stop] {
      return exponential_cosines(*samples, rows, decays, stop);
    },
    give_tensor);
}

// contrast(queries, targets, pool, {first, excluded, log, logQ, groups?: {queries, columns}})
// -> Promise<{loss, gradient, log}>; vectors of any length, the gradient is that of unit queries
Napi::Value contrast_rows(const Napi::CallbackInfo& info) {
  const auto o = info[3].As<Napi::Object>();
  const auto groups = o.Get("groups").IsObject() ? o.Get("groups").As<Napi::Object>() : Napi::Object::New(info.Env());
  const auto group = [&](const char* key) { return groups.Get(key).IsTypedArray() ? ids(groups.Get(key)) : Tensor(); };
  return run_async(
    info.Env(),
    [queries = take_tensor(info[0]), targets = take_tensor(info[1]), pool = take_tensor(info[2]), first = ids(o.Get("first")),
     excluded = ids(o.Get("excluded")), log = real(o.Get("log"), "log"), log_q = real(o.Get("logQ"), "logQ"),
     query_group = group("queries"), column_group = group("columns")] {
      const auto n = queries.size(0);
      if (queries.sizes() != targets.sizes() || pool.size(1) != queries.size(1) || first.size(0) != n + 1)
        throw Error("BAD_ARGUMENT",
                    "contrast: expected a target and a list of excluded columns for each query, all of one width");
      if (excluded.numel() > 0 && excluded.max().item<int64_t>() >= pool.size(0))
        throw Error("BAD_ARGUMENT", "contrast: expected excluded columns below " + std::to_string(pool.size(0)));
      const auto type = queries.scalar_type();
      const auto unit = [&](const Tensor& t) { return normalised(t.to(type)); };
      const auto list = [](const Tensor& t) {
        return std::vector<int64_t>(t.const_data_ptr<int64_t>(), t.const_data_ptr<int64_t>() + t.numel());
      };
      return contrast(
        unit(queries), unit(targets),
        {unit(pool), list(first), list(excluded), torch::full({n, 1}, log_q, queries.options()), query_group, column_group}, log);
    },
    [](Napi::Env env, const Contrasted& found) {
      auto object = Napi::Object::New(env);
      object.Set("loss", float64_array(env, found.loss.to(torch::kFloat64)));
      object.Set("gradient", give_tensor(env, found.gradient));
      object.Set("log", found.log_temperature);
      return Napi::Value(object);
    });
}

// tsne(x, {perplexity, iterations}) -> Promise<{places [n, 2], divergence}>
Napi::Value embed(const Napi::CallbackInfo& info) {
  const auto options = info[1].As<Napi::Object>();
  auto& stop = environment(info.Env()).stop;
  return run_async(
    info.Env(),
    [x = take_tensor(info[0]),
     o = TsneOptions{real(options.Get("perplexity"), "perplexity"), integer(options.Get("iterations"), "iterations")}, &stop] {
      if (x.dim() != 2 || x.size(0) < 4 || x.size(0) > 16384) throw Error("BAD_ARGUMENT", "tsne: expected 4 to 16384 vectors");
      return tsne(x, o, stop);
    },
    [](Napi::Env env, const Embedded& made) {
      auto object = Napi::Object::New(env);
      object.Set("places", give_tensor(env, made.places));
      object.Set("divergence", Napi::Number::New(env, made.divergence));
      return Napi::Value(object);
    });
}

}  // namespace

void export_evaluation(Napi::Object exports) {
  export_function<samples>(exports, "samples");
  export_function<score_rows>(exports, "score");
  export_function<evaluate_model>(exports, "evaluate");
  export_function<predict_rows>(exports, "predict");
  export_function<means_of_contexts>(exports, "exponentialMeans");
  export_function<products_of_contexts>(exports, "exponentialProducts");
  export_function<cosines_of_contexts>(exports, "exponentialCosines");
  export_function<contrast_rows>(exports, "contrast");
  export_function<embed>(exports, "tsne");
}

}  // namespace lvm
