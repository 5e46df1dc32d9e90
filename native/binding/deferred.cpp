#include "deferred.h"

namespace lvm {
namespace {

// Tells V8 the memory of tensors that were computed since the last call.
void settle_ledger(Napi::Env env) {
  auto& calls = environment(env).calls;
  const int64_t alive = calls.ledger->alive, made = calls.ledger->made;
  if (alive != calls.told) Napi::MemoryManagement::AdjustExternalMemory(env, alive - std::exchange(calls.told, alive));
  reclaim(env, made - std::exchange(calls.reclaimed, made));
}

}  // namespace

CallFacts call_facts(Napi::Value flags, Napi::Value number) {
  const auto bits = integer(flags, "flags");
  return {real(number, "call"), (bits & 1) != 0, (bits & 2) != 0};
}

std::exception_ptr refused(const std::string& owner, const CallFacts& facts, std::exception_ptr error) {
  const auto bad = [&](const std::string& what) {
    const auto full = what.find("allocate memory") != std::string::npos || what.find("not enough memory") != std::string::npos;
    return std::make_exception_ptr(Error(full ? "OUT_OF_MEMORY" : "BAD_ARGUMENT", owner + ": " + what));
  };
  try {
    std::rethrow_exception(error);
  } catch (const CallFailure&) {
    return error;  // of an earlier call
  } catch (const Error&) {
  } catch (const c10::OutOfMemoryError&) {
  } catch (const std::bad_alloc&) {
  } catch (const c10::Error& e) {
    error = bad(e.what_without_backtrace());
  } catch (const std::exception& e) {
    error = bad(e.what());
  } catch (...) {
  }
  return std::make_exception_ptr(CallFailure{error, facts.number});
}

DeferredCall::DeferredCall(Napi::Env env, std::string owner, CallFacts facts, Compute compute)
    : owner(std::move(owner)), facts(facts), compute(std::move(compute)), calls(environment(env).calls) {}

void DeferredCall::execute() {
  const at::AutoGradMode mode(facts.gradients);
  results = compute();
  if (facts.requires_grad)
    for (auto& result : results) result.set_requires_grad(true);
}

void DeferredCall::finish() {
  compute = nullptr;  // frees the inputs before anyone learns that the results are there
  if (error) {
    const auto failure = refused(owner, facts, error);
    for (const auto& cell : outputs) cell->failure = failure;
    if (changed) changed->failure = failure;
    const std::lock_guard lock(calls.mutex);
    calls.failed.push_back(facts.number);
  } else {
    for (size_t i = 0; i < outputs.size(); ++i) outputs[i]->fill(results[i], results[i].defined() ? bytes_of(results[i]) : 0);
  }
  results.clear();
  calls.done = facts.number;
  for (const auto& cell : outputs) --cell->pending;
  if (changed) --changed->pending;
}

Napi::Value post_call(Napi::Env env, std::string owner, CallFacts facts, size_t count, DeferredCall::Compute compute) {
  auto& [stop, calls, lane] = environment(env);
  settle_ledger(env);
  auto call = std::make_unique<DeferredCall>(env, std::move(owner), facts, std::move(compute));
  for (size_t i = 0; i < count; ++i) call->outputs.push_back(std::make_shared<Cell>(calls.ledger));
  Napi::Value given;
  if (count == 1) {
    given = give(env, call->outputs[0], 0);
  } else {
    auto list = Napi::Array::New(env, count);
    for (uint32_t i = 0; i < count; ++i) list.Set(i, give(env, call->outputs[i], 0));
    given = list;
  }
  lane.post(std::move(call));
  return given;
}

Napi::Value post_change(Napi::Env env, std::string owner, CallFacts facts, std::shared_ptr<Cell> changed,
                        DeferredCall::Compute compute) {
  settle_ledger(env);
  auto call = std::make_unique<DeferredCall>(env, std::move(owner), facts, std::move(compute));
  ++changed->pending;
  call->changed = std::move(changed);
  environment(env).lane.post(std::move(call));
  return env.Undefined();
}

}  // namespace lvm
