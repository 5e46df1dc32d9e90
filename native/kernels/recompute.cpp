#include "recompute.h"

#include "autocast.h"
#include "batch-part.h"

#include <torch/csrc/autograd/autograd.h>

namespace lvm {
namespace {

// State that the backward pass needs to run a layer again.
struct LayerWork final : torch::CustomClassHolder {
  std::function<Tensor(const Tensor&, Pass&)> f;
  Pass pass;
  uint64_t calls_after = 0;
  bool bf16 = false;
  Parts parts;
};

using torch::autograd::AutogradContext;

struct RecomputedLayer final : torch::autograd::Function<RecomputedLayer> {
  // `trigger` needs a gradient, so that the layer's parameters get theirs even if x needs none.
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const std::optional<Tensor>& memory, const Tensor& trigger,
                        const c10::intrusive_ptr<LayerWork>& work) {
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
    const auto& work = static_cast<const LayerWork&>(*capsule);
    const at::AutoGradMode with_gradients(true);
    const auto leaf = [](const Tensor& t) { return t.defined() ? t.detach().set_requires_grad(true) : t; };
    const auto x = leaf(saved[0]), memory = leaf(saved[1]);
    auto pass = work.pass;
    pass.memory = memory;
    Tensor y;
    {
      const WithParts parts(work.parts);
      const Autocast autocast(work.bf16, saved[0].device().type());  // forward only: gradients are computed without autocast
      y = work.f(x, pass);
    }
    torch::autograd::backward(variable_list{y}, variable_list{gradients[0]});
    return {x.grad(), memory.defined() ? memory.grad() : Tensor(), Tensor(), Tensor()};
  }
};

struct Work final : torch::CustomClassHolder {
  explicit Work(const std::function<Tensor(const variable_list&)>& f) : f(f) {}
  std::function<Tensor(const variable_list&)> f;
};

struct Recomputed final : torch::autograd::Function<Recomputed> {
  static Tensor forward(AutogradContext* ctx, const c10::intrusive_ptr<Work>& work, at::TensorList inputs) {
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["work"] = c10::IValue::make_capsule(work);
    return work->f(inputs.vec());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto work = c10::static_intrusive_pointer_cast<Work>(ctx->saved_data["work"].toCapsule());
    variable_list inputs, wanted, out(saved.size() + 1);  // `work` has no gradient
    for (size_t i = 0; i < saved.size(); ++i) {
      inputs.push_back(saved[i].detach().set_requires_grad(ctx->needs_input_grad(i)));
      if (ctx->needs_input_grad(i)) wanted.push_back(inputs.back());
    }
    const at::AutoGradMode again(true);
    const auto found = torch::autograd::grad({work->f(inputs)}, wanted, {gradients[0]});
    for (size_t i = 0, j = 0; i < saved.size(); ++i) {
      if (ctx->needs_input_grad(i)) out[i + 1] = found[j++];
    }
    return out;
  }
};

}  // namespace

Tensor recomputed_layer(const Tensor& x, Pass& pass, std::function<Tensor(const Tensor&, Pass&)> f) {
  auto work = c10::make_intrusive<LayerWork>();
  work->f = std::move(f);
  work->pass = pass;
  work->pass.seen = nullptr;
  work->bf16 = at::autocast::is_autocast_enabled(x.device().type());
  work->parts = current_parts();
  const auto trigger = torch::zeros({0}, x.options()).set_requires_grad(true);
  const auto y = RecomputedLayer::apply(x, pass.memory.defined() ? std::optional(pass.memory) : std::nullopt, trigger, work);
  work->pass.memory = Tensor();  // saved as a tensor instead
  pass.random.calls = work->calls_after;
  return y;
}

Tensor recomputed(const std::function<Tensor(const variable_list&)>& f, const variable_list& inputs) {
  return Recomputed::apply(c10::make_intrusive<Work>(f), at::TensorList(inputs));
}

}  // namespace lvm
