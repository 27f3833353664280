#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

namespace tenon {
namespace {

constexpr size_t kComplaints = 8192;  // bytes of standard error that are kept
constexpr int kTick_ms = 50;          // between looks at the clock and at the memory

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Pipe {
  Fd read, write;
};

Error cannot_start(const std::string& program, int reason) {
  return {.kind = ErrorKind::resource,
          .what = "cannot start another program",
          .where = {.file = program},
          .why = std::strerror(reason)};
}

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Set by the handler of signals, for the time of one run.
std::atomic<bool> interrupted{false};
void note_interrupt(int /*signal*/) { interrupted = true; }

class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = false;
    struct sigaction action = {};
    action.sa_handler = note_interrupt;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &before_[0]);
    ::sigaction(SIGTERM, &action, &before_[1]);
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;  // a child that ends early closes its input
    ::sigaction(SIGPIPE, &ignore, &before_[2]);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
    ::sigaction(SIGPIPE, &before_[2], nullptr);
  }

 private:
  std::array<struct sigaction, 3> before_ = {};
};

uint64_t resident_bytes(pid_t child) {
  std::ifstream file("/proc/" + std::to_string(child) + "/statm");
  uint64_t size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Between fork and exec only what is safe there.
[[noreturn]] void become(char* const* argv, int in, int out, int err, int report, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) ::signal(signal, SIG_DFL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvp(argv[0], argv);
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &reason, sizeof reason);
  ::_exit(127);
}

class Running {
 public:
  explicit Running(const ChildRequest& request) : request_(request) {}

  Status start() {
    std::vector<char*> argv;
    for (const std::string& word : request_.words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    auto in = make_pipe(), out = make_pipe(), err = make_pipe(), report = make_pipe();
    if (!in || !out || !err || !report) return fail(cannot_start(request_.words[0], errno));
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ < 0) return fail(cannot_start(request_.words[0], errno));
    if (child_ == 0) {
      become(argv.data(), in->read.get(), out->write.get(), err->write.get(), report->write.get(),
             parent);
    }
    ::setpgid(child_, child_);
    report->write.reset();
    int reason = 0;
    ssize_t told = 0;
    do {
      told = ::read(report->read.get(), &reason, sizeof reason);
    } while (told < 0 && errno == EINTR);
    if (told == sizeof reason) {
      ::waitpid(child_, nullptr, 0);
      return fail(cannot_start(request_.words[0], reason));
    }
    in_ = std::move(in->write);
    out_ = std::move(out->read);
    err_ = std::move(err->read);
    for (const Fd* fd : {&in_, &out_, &err_}) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    if (request_.input.empty()) in_.reset();
    return {};
  }

  ChildEnd wait() {
    const auto begin = std::chrono::steady_clock::now();
    int status = 0;
    while (true) {
      exchange();
      const pid_t ended = ::waitpid(child_, &status, WNOHANG);
      if (ended == child_ || (ended < 0 && errno != EINTR)) break;
      if (interrupted) {
        stop(ChildEnd::Reason::interrupted);
      } else if (request_.time_limit.count() > 0 &&
                 std::chrono::steady_clock::now() - begin > request_.time_limit) {
        stop(ChildEnd::Reason::out_of_time);
      }
      const uint64_t memory = resident_bytes(child_);
      end_.peak_memory = std::max(end_.peak_memory, memory);
      if (request_.memory_limit != 0 && memory > request_.memory_limit)
        stop(ChildEnd::Reason::out_of_memory);
    }
    ::kill(-child_, SIGKILL);  // what it may have started
    drain();
    if (end_.reason == ChildEnd::Reason::exited) {
      if (WIFSIGNALED(status)) {
        end_.reason = ChildEnd::Reason::killed;
        end_.status = WTERMSIG(status);
      } else {
        end_.status = WEXITSTATUS(status);
      }
    }
    return std::move(end_);
  }

 private:
  void stop(ChildEnd::Reason reason) {
    if (end_.reason == ChildEnd::Reason::exited) end_.reason = reason;
    ::kill(-child_, SIGKILL);
  }

  // Waits a moment for whatever can be read or written.
  void exchange() {
    std::array<pollfd, 3> fds{pollfd{in_.get(), POLLOUT, 0}, pollfd{out_.get(), POLLIN, 0},
                              pollfd{err_.get(), POLLIN, 0}};
    if (!out_.open() && !err_.open()) {
      ::poll(nullptr, 0, 1);  // both are closed: the end is near
      return;
    }
    if (::poll(fds.data(), fds.size(), kTick_ms) <= 0) return;
    if (fds[0].revents != 0) give();
    if (fds[1].revents != 0) take(out_, [&](std::string_view part) { take_output(part); });
    if (fds[2].revents != 0) take(err_, [&](std::string_view part) { take_complaints(part); });
  }

  void drain() {
    while (out_.open() && take(out_, [&](std::string_view part) { take_output(part); })) {
    }
    while (err_.open() && take(err_, [&](std::string_view part) { take_complaints(part); })) {
    }
    if (!line_.empty() && request_.line) request_.line(line_);
  }

  void give() {
    const std::string_view left = std::string_view(request_.input).substr(given_);
    const ssize_t n = ::write(in_.get(), left.data(), left.size());
    if (n > 0) given_ += static_cast<size_t>(n);
    const bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (broken || given_ == request_.input.size()) in_.reset();
  }

  // Whether something was read.
  template <class Take>
  bool take(Fd& from, Take&& part) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n > 0) {
      part(std::string_view(buffer.data(), static_cast<size_t>(n)));
      return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) from.reset();
    return false;
  }

  void take_output(std::string_view part) {
    for (size_t end = 0; (end = part.find('\n')) != std::string_view::npos;) {
      line_ += part.substr(0, end);
      if (request_.line) request_.line(line_);
      line_.clear();
      part.remove_prefix(end + 1);
    }
    line_ += part;
  }

  void take_complaints(std::string_view part) {
    end_.complaints += part;
    if (end_.complaints.size() > 2 * kComplaints)
      end_.complaints.erase(0, end_.complaints.size() - kComplaints);
  }

  const ChildRequest& request_;
  pid_t child_ = -1;
  Fd in_, out_, err_;
  size_t given_ = 0;
  std::string line_;
  ChildEnd end_;
};

}  // namespace

Result<ChildEnd> run_child(const ChildRequest& request) {
  const InterruptGuard guard;
  Running running(request);
  TRY(running.start());
  return running.wait();
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const size_t at = text.rfind('\n');
  return std::string(at == std::string_view::npos ? text : text.substr(at + 1));
}

}  // namespace tenon
