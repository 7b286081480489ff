"""Interactive bash and zsh on a terminal of their own, asked what they would complete a line to."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from programs import ROOT, program

COMPLETIONS = ROOT / "config/completions"
TIMEOUT = 60  # seconds; sanitized programs on a busy machine are slow
INSERT_ALL, TELL, CLEAR = "\x18a", "\x18t", "\x18c"  # keys that each shell gets bound: Ctrl-X and a letter


class Shell:
    """A line is typed and a key completes it with all that fits at once; a second key prints the line between marks."""

    def __init__(self, arguments, start, directory):
        folder = os.path.dirname(program("ssoferry"))
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(directory), "TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "", "HISTFILE": "",
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 4000, 0, 0))
        self._process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, cwd=directory, env=environment,
                                         start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self._said = ""
        script = directory / "start"
        script.write_text(start + "\nprintf '%s<<up>>\\n' ''\n", encoding="utf-8")
        self._type(f". {script}\n")
        self._wait("<<up>>")

    def line(self, text):
        """The line that comes of `text` when everything that fits is inserted."""
        self._said = ""
        self._type(text + INSERT_ALL + TELL)
        told = self._wait(r"<<line:(.*?):line>>")
        self._type(CLEAR)
        return told[1]

    def completions(self, text):
        """The words that the last one of `text` may become."""
        kept = text[:text.rfind(" ") + 1]
        line = self.line(text)
        assert line.startswith(kept), (text, line)
        return line[len(kept):].split()

    def close(self):
        os.killpg(self._process.pid, signal.SIGKILL)  # and what it forked to complete a word, which would go on for ever without its terminal
        self._process.wait()
        os.close(self._master)

    def _type(self, keys):
        os.write(self._master, keys.encode())

    def _wait(self, pattern):
        deadline = time.monotonic() + TIMEOUT
        while not (found := re.search(pattern, self._said, re.S)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._master], [], [], left)[0], f"waited in vain for {pattern}; it said {self._said!r}"
            self._said += os.read(self._master, 65536).decode("utf-8", "replace")
        return found


def bash(directory):
    start = f"""
. {COMPLETIONS}/ssoferry.bash
. {COMPLETIONS}/ssoferryd.bash
bind 'set completion-ignore-case off' 'set enable-bracketed-paste off'
bind '"\\C-xa": insert-completions'
bind '"\\C-xc": unix-line-discard'
tell() {{ printf '<<line:%s:line>>\\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }}
bind -x '"\\C-xt": tell'
"""
    return Shell(["bash", "--norc", "--noprofile", "-i"], start, directory)


def zsh(directory):
    """The function is found as an installed one is, by its first line."""
    start = f"""
fpath=({COMPLETIONS} $fpath)
autoload -Uz compinit && compinit -u -D
unset zle_bracketed_paste
unsetopt beep prompt_cr prompt_sp
zstyle ':completion:*' completer _all_matches _complete
zstyle ':completion:*' old-matches false
zstyle ':completion:*' insert true
zle -C insert-all complete-word _generic
zstyle ':completion:insert-all:*' completer _all_matches _complete
bindkey '^Xa' insert-all
tell() {{ zle -I; print -r -- "<<line:${{BUFFER}}:line>>"; BUFFER=; }}
zle -N tell
bindkey '^Xt' tell
bindkey '^Xc' kill-whole-line
"""
    return Shell(["zsh", "-f", "-i"], start, directory)
