#include "../text/generate.h"
#include "convert.h"

#include <atomic>

namespace lvm {

struct StopFlag {
  std::atomic<bool> stop = false;
};

template <>
struct Kind<T5> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 21};
  static constexpr const char* name = "t5";
};
template <>
struct Kind<StopFlag> {
  static constexpr napi_type_tag tag{0x6c766d746f726368, 22};
  static constexpr const char* name = "stop flag";
};

namespace {

// t5({maxDistance, eps, logitScale}, {name: tensor}) -> Promise<handle>
Napi::Value t5(const Napi::CallbackInfo& info) {
  const auto o = info[0].As<Napi::Object>();
  const T5Settings settings{positive(o.Get("maxDistance"), "maxDistance"), real(o.Get("eps"), "eps"),
                            real(o.Get("logitScale"), "logitScale")};
  const auto given = info[1].As<Napi::Object>();
  const auto keys = given.GetPropertyNames();
  std::map<std::string, Tensor> weights;
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const auto name = text(keys.Get(i), "name");
    weights.emplace(name, take_tensor(given.Get(name)));
  }
  return run_async(
    info.Env(), [settings, weights = std::move(weights)] { return std::make_shared<T5>(settings, weights); },
    [](Napi::Env env, std::shared_ptr<T5> model) -> Napi::Value {
      const auto bytes = model->bytes();
      return give(env, std::move(model), bytes);
    });
}

// t5Encode(t5, x [batch, time, width], mask [batch, time]) -> Promise<tensor>
Napi::Value t5_encode(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<T5>(info[0]), x = take_tensor(info[1]), mask = take_tensor(info[2])] { return model->encode(x, mask); },
    give_tensor);
}

// t5Logits(t5, encoded, mask, ids [batch, n]) -> Promise<tensor [batch, n, tokens]>, one step after the other
Napi::Value t5_logits(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [model = take<T5>(info[0]), encoded = take_tensor(info[1]), mask = take_tensor(info[2]), ids = take_tensor(info[3])] {
      auto decoding = model->begin(encoded, mask);
      std::vector<Tensor> steps;
      for (int64_t i = 0; i < ids.size(1); ++i) steps.push_back(model->step(ids.select(1, i).contiguous(), decoding));
      return torch::stack(steps, 1);
    },
    give_tensor);
}

Napi::Value texts_of(Napi::Env env, const std::vector<Generated>& texts) {
  auto list = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); ++i) {
    const auto& ids = texts[i].ids;
    auto array = Napi::Int32Array::New(env, ids.size());
    std::copy(ids.begin(), ids.end(), array.Data());
    list.Set(i, array);
  }
  return list;
}

// t5Generate(t5, encoded, mask, {longest, shortest, beams, returned, lengthPenalty}, stopFlag) -> Promise<[ids]>
Napi::Value t5_generate(const Napi::CallbackInfo& info) {
  const auto o = info[3].As<Napi::Object>();
  const GenerateOptions options{positive(o.Get("longest"), "longest"), positive(o.Get("shortest"), "shortest"),
                                positive(o.Get("beams"), "beams"), positive(o.Get("returned"), "returned"),
                                real(o.Get("lengthPenalty"), "lengthPenalty")};
  auto& here = environment(info.Env());
  return here.lane.run(
    info.Env(),
    [model = take<T5>(info[0]), encoded = take_tensor(info[1]), mask = take_tensor(info[2]), options,
     flag = take<StopFlag>(info[4]), &here] {
      return generate(*model, encoded, mask, options, [&] {
        here.lane.serve();  // short work of others waits for one step
        if (flag->stop || here.stop) throw Error("INTERRUPTED", "the generation of text was stopped");
      });
    },
    [](Napi::Env env, std::vector<Generated> texts) { return texts_of(env, texts); }, true);
}

Napi::Value t5_dispose(const Napi::CallbackInfo& info) {
  if (!dispose_if<T5>(info[0])) throw Error("BAD_ARGUMENT", "dispose: expected a t5");
  return info.Env().Undefined();
}

Napi::Value stop_flag(const Napi::CallbackInfo& info) { return give(info.Env(), std::make_shared<StopFlag>(), 0); }
Napi::Value raise_flag(const Napi::CallbackInfo& info) {
  take<StopFlag>(info[0])->stop = true;
  return info.Env().Undefined();
}

}  // namespace

void export_t5(Napi::Object exports) {
  export_function<t5>(exports, "t5");
  export_function<t5_encode>(exports, "t5Encode");
  export_function<t5_logits>(exports, "t5Logits");
  export_function<t5_generate>(exports, "t5Generate");
  export_function<t5_dispose>(exports, "t5Dispose");
  export_function<stop_flag>(exports, "stopFlag");
  export_function<raise_flag>(exports, "raiseFlag");
}

}  // namespace lvm
