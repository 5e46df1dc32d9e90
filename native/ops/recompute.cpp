#include "recompute.h"

#include "autocast.h"

namespace lvm {
namespace {

// What a backward pass needs to compute a layer again.
struct Work final : torch::CustomClassHolder {
  std::function<Tensor(const Tensor&, Pass&)> f;
  Pass pass;
  uint64_t calls_after = 0;
  bool bf16 = false;
};

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Recompute final : torch::autograd::Function<Recompute> {
  // `trigger` wants a gradient, so that the layer's own parameters get theirs even when x wants none.
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const std::optional<Tensor>& memory, const Tensor& trigger,
                        const c10::intrusive_ptr<Work>& work) {
    ctx->save_for_backward({x, memory.value_or(Tensor())});
    ctx->saved_data["work"] = c10::IValue::make_capsule(c10::intrusive_ptr<torch::CustomClassHolder>(work));
    auto pass = work->pass;
    const auto y = work->f(x, pass);
    work->calls_after = pass.random.calls;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["work"].toCapsule();
    const auto& work = static_cast<const Work&>(*capsule);
    const at::AutoGradMode with_gradients(true);
    const Autocast autocast(work.bf16, saved[0].device().type());
    const auto leaf = [](const Tensor& t) { return t.defined() ? t.detach().set_requires_grad(true) : t; };
    const auto x = leaf(saved[0]), memory = leaf(saved[1]);
    auto pass = work.pass;
    pass.memory = memory;
    const auto y = work.f(x, pass);
    torch::autograd::backward(variable_list{y}, variable_list{gradients[0]});
    return {x.grad(), memory.defined() ? memory.grad() : Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor recomputed(const Tensor& x, Pass& pass, std::function<Tensor(const Tensor&, Pass&)> f) {
  auto work = c10::make_intrusive<Work>();
  work->f = std::move(f);
  work->pass = pass;
  work->pass.seen = nullptr;
  work->bf16 = at::autocast::is_autocast_enabled(x.device().type());
  const auto trigger = torch::zeros({0}, x.options()).set_requires_grad(true);
  const auto y = Recompute::apply(x, pass.memory.defined() ? std::optional(pass.memory) : std::nullopt, trigger, work);
  work->pass.memory = Tensor();  // the saved one stands for it
  pass.random.calls = work->calls_after;
  return y;
}

}  // namespace lvm
