#include "lane.h"

#include "../data/mapped-file.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <set>
#include <utility>

namespace lvm {
namespace {

// libtorch's count when it was loaded; later it is the last value set by any thread.
int initial_threads() {
  static const int threads = at::get_num_threads();
  return threads;
}

// One per JS thread, so that workers are independent.
thread_local Settings wanted{initial_threads(), Multiplier::aten};

std::mutex living_mutex;
std::set<Lane*> living;
std::atomic<int> working = 0;
std::atomic<bool> leaving = false;

// at::set_num_threads applies to the calling thread's OpenMP team and to all of MKL, so each lane calls it before each job.
void adopt(const Settings& settings) {
  at::set_num_threads(settings.threads);
  set_multiplier(settings.multiplier);
}

}  // namespace

Settings wanted_settings() { return wanted; }
void want_threads(int n) { wanted.threads = n; }
void want_multiplier(Multiplier kind) { wanted.multiplier = kind; }

Lane::Job::Job() : settings(wanted_settings()) {}

void leave(int code) {
  leaving = true;
  {
    std::lock_guard lock(living_mutex);
    for (auto* lane : living) lane->on_stop();
  }
  using namespace std::chrono_literals;
  for (auto waited = 0ms; working > 0 && waited < 1s; waited += 1ms) std::this_thread::sleep_for(1ms);
  if (working > 0) std::_Exit(code);
}

Lane::Lane(Napi::Env env, std::function<void()> on_stop) : env(env), on_stop(std::move(on_stop)) {
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "lvm-torch"), 0, 1, nullptr, nullptr, this,
                                  settle, &deliver);
  napi_unref_threadsafe_function(env, deliver);  // an idle lane does not keep the process alive
  napi_add_env_cleanup_hook(env, at_exit, this);
  {
    std::lock_guard lock(living_mutex);
    living.insert(this);
  }
  thread = std::thread([this] { loop(); });
}

Lane::~Lane() {
  if (!deliver) return;
  napi_remove_env_cleanup_hook(env, at_exit, this);
  close();
}

void Lane::close() {
  if (!deliver) return;
  {
    std::lock_guard lock(living_mutex);
    living.erase(this);
  }
  on_stop();
  {
    std::lock_guard lock(mutex);
    closing = true;
  }
  wake.notify_one();
  thread.join();
  napi_release_threadsafe_function(deliver, napi_tsfn_abort);
  deliver = nullptr;
  const auto left = std::move(jobs);  // destroyed last, because a job may own the owner of this lane
}

void Lane::push(Napi::Env env, std::unique_ptr<Job> job) {
  if (unsettled++ == 0) napi_ref_threadsafe_function(env, deliver);
  queue(std::move(job));
  unannounced = 0;
  wake.notify_one();
}

void Lane::queue(std::unique_ptr<Job> job) {
  std::lock_guard lock(mutex);
  jobs.push_back(std::move(job));
}

void Lane::post(std::unique_ptr<Job> job) {
  constexpr size_t longest = 1024, many = 32;
  if (queued >= longest) wait([this] { return queued <= longest / 2; });
  ++queued;
  queue(std::move(job));
  if (++unannounced == many) flush();
}

void Lane::flush() {
  if (unannounced == 0) return;
  unannounced = 0;
  wake.notify_one();
}

bool Lane::wait(const std::function<bool()>& ready, std::optional<std::chrono::milliseconds> limit) {
  if (ready()) return true;
  flush();
  ++waiting;
  std::unique_lock lock(mutex);
  const auto done = limit ? finished.wait_for(lock, *limit, ready) : (finished.wait(lock, ready), true);
  --waiting;
  return done;
}

void Lane::loop() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return closing || !jobs.empty(); });
      if (closing) return;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    execute(std::move(job));
  }
}

void Lane::serve() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::lock_guard lock(mutex);
      const auto next = std::find_if(jobs.begin(), jobs.end(), [](const auto& job) { return !job->long_running; });
      if (closing || next == jobs.end()) return;
      job = std::move(*next);
      jobs.erase(next);
    }
    execute(std::move(job));
  }
}

void Lane::execute(std::unique_ptr<Job> job) {
  ++working;
  const auto missing = missing_pages();
  const auto* outer = std::exchange(current, &job->settings);
  try {
    adopt(job->settings);
    if (leaving) throw Error("INTERRUPTED", "the process is ending");
    job->execute();
  } catch (...) {
    job->fail(std::current_exception());
  }
  bound_mapped_memory();
  if (missing_pages() != missing) job->fail(missing_page_error());
  current = outer;
  if (outer != nullptr) adopt(*outer);
  --working;
  if (!job->promised()) {
    job->finish();
    job.reset();
    --queued;
    if (waiting == 0) return;
    {
      const std::lock_guard lock(mutex);
    }  // the waiting thread has looked before, or looks after this
    return finished.notify_all();
  }
  auto* raw = job.release();
  if (napi_call_threadsafe_function(deliver, static_cast<Promised*>(raw), napi_tsfn_nonblocking) != napi_ok) delete raw;
}

void Lane::settle(napi_env raw_env, napi_value, void* self, void* data) {
  const std::unique_ptr<Promised> job(static_cast<Promised*>(data));
  if (raw_env == nullptr) return;  // the environment is shutting down, so no caller waits
  const Napi::Env env(raw_env);
  const Napi::HandleScope scope(env);
  auto* lane = static_cast<Lane*>(self);
  if (--lane->unsettled == 0) napi_unref_threadsafe_function(env, lane->deliver);
  try {
    try {
      if (job->failure) std::rethrow_exception(job->failure);
      const auto value = job->give(env);
      job->drop();  // frees the job's memory before its promise settles
      job->promise.Resolve(value);
    } catch (...) {
      const auto error = to_js_error(env, std::current_exception());
      job->drop();
      job->promise.Reject(error);
    }
  } catch (const Napi::Error&) {
    // A terminating worker accepts neither a value nor an error.
  }
}

}  // namespace lvm
