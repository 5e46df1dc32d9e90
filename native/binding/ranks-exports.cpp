#include "convert.h"
#include "training-handles.h"

namespace lvm {
namespace {

// ranks({rank, size, address, port, serve, prefix, timeout, shareMemory}) -> Promise<handle>; timeout in milliseconds
Napi::Value ranks(const Napi::CallbackInfo& info) {
  const auto o = info[0].As<Napi::Object>();
  const RanksOptions options{int(count(o.Get("rank"), "rank")),
                             int(positive(o.Get("size"), "size")),
                             text(o.Get("address"), "address"),
                             int(count(o.Get("port"), "port")),
                             o.Get("serve").ToBoolean().Value(),
                             text(o.Get("prefix"), "prefix"),
                             std::chrono::milliseconds(positive(o.Get("timeout"), "timeout")),
                             o.Get("shareMemory").ToBoolean().Value()};
  return run_async(
    info.Env(), [options] { return std::make_shared<Ranks>(options); },
    [](Napi::Env env, std::shared_ptr<Ranks> ranks) -> Napi::Value { return give(env, std::move(ranks), 0); });
}

Napi::Value ranks_port(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), take<Ranks>(info[0])->port()); }

// ranksConnect(ranks, address, interface) -> Promise<void>
Napi::Value ranks_connect(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [ranks = take<Ranks>(info[0]), address = text(info[1], "address"), interface = text(info[2], "interface")] {
      ranks->connect(address, interface);
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// ranksNote(ranks, text)
Napi::Value ranks_note(const Napi::CallbackInfo& info) {
  take<Ranks>(info[0])->note(text(info[1], "text"));
  return info.Env().Undefined();
}

// ranksAbandon(ranks): after a failure, so that its end does not wait for other ranks
Napi::Value ranks_abandon(const Napi::CallbackInfo& info) {
  take<Ranks>(info[0])->abandon();
  return info.Env().Undefined();
}

// ranksSet(ranks, key, text) -> Promise<void>
Napi::Value ranks_set(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [ranks = take<Ranks>(info[0]), key = text(info[1], "key"), value = text(info[2], "text")] {
      ranks->set(key, value);
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// ranksGet(ranks, key) -> Promise<text | null>
Napi::Value ranks_get(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(), [ranks = take<Ranks>(info[0]), key = text(info[1], "key")] { return ranks->get(key); },
    [](Napi::Env env, std::optional<std::string> value) -> Napi::Value {
      return value ? Napi::Value(Napi::String::New(env, *value)) : env.Null();
    });
}

// ranksSum(ranks, tensor) -> Promise<void>: adds a tensor up over all ranks, in place
Napi::Value ranks_sum(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [ranks = take<Ranks>(info[0]), tensor = take_tensor(info[1])] {
      ranks->sum(tensor)();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

// ranksShare(ranks, trainer) -> Promise<void>: gives all ranks the weights of rank 0, and its optimizer state unless each keeps a
// part of it
Napi::Value ranks_share(const Napi::CallbackInfo& info) {
  return run_async(
    info.Env(),
    [ranks = take<Ranks>(info[0]), trainer = take<Trainer>(info[1])] {
      const torch::NoGradGuard no_grad;
      std::vector<Tensor> tensors;
      for (const auto& p : trainer->model->parameters())
        if (p.value.defined()) tensors.push_back(p.value);
      auto& optimizer = trainer->optimizer;
      for (const auto& slot : optimizer.slots)
        for (const auto& tensor : {slot.m, slot.v, slot.average})
          if (tensor.defined() && !trainer->shared) tensors.push_back(tensor);
      ranks->broadcast(tensors);
      for (const auto& slot : optimizer.slots)
        if (trainer->shared && optimizer.steps == 0 && slot.average.defined())
          slot.average.copy_(optimizer.part(slot, slot.value.detach()));
      trainer->share_memory();
      return true;
    },
    [](Napi::Env env, bool) { return env.Undefined(); });
}

}  // namespace

void export_ranks(Napi::Object exports) {
  export_function<ranks>(exports, "ranks");
  export_function<ranks_port>(exports, "ranksPort");
  export_function<ranks_connect>(exports, "ranksConnect");
  export_function<ranks_note>(exports, "ranksNote");
  export_function<ranks_abandon>(exports, "ranksAbandon");
  export_function<ranks_set>(exports, "ranksSet");
  export_function<ranks_get>(exports, "ranksGet");
  export_function<ranks_sum>(exports, "ranksSum");
  export_function<ranks_share>(exports, "ranksShare");
}

}  // namespace lvm
