---------------------------- MODULE StandardFork ----------------------------
(***************************************************************************)
(* A process that forks goes on in two: all memory is copied, every lock   *)
(* as it is at that moment, and of the threads the one that forked.  The   *)
(* standard library's process pool forks its processes; a user may fork    *)
(* with a pool at hand, and use the copy.  The feeder is a thread of the   *)
(* pool that takes a lock now and then: to import a module, to log.        *)
(* Defect is the old design that is in it, by the museum's number; with    *)
(* "none" each of them is repaired in the smallest way.                    *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
  Defect,     \* "M15", "H11", "H17", or "none"
  Calls,      \* how many calls are submitted
  Processes,  \* how many processes the pool has
  Copies      \* how many copies of the whole process users make by a fork

ASSUME
  /\ Defect \in {"none", "M15", "H11", "H17"}
  /\ {Calls, Processes, Copies} \subseteq Nat

VARIABLES
  feeder,     \* "unborn", "idle", "locking" (it holds the lock)
  submitter,  \* "out", "locking" (it holds the executor's lock)
  calls,      \* of submit(): "out", "accepted"; then "running", "wanting" the lock, "ended"
  processes,  \* "unborn", "forked", "forked, locked" (the lock is taken in the copy)
  runs,       \* the call that a process runs, else 0
  copies,     \* of users: "unborn", "forked", "accepted", "raised", "leaving", "gone"
  held        \* is the executor's lock taken in the copy?

vars == <<feeder, submitter, calls, processes, runs, copies, held>>

Call == 1..Calls
Process == 1..Processes
Copy == 1..Copies

TypeOK ==
  /\ feeder \in {"unborn", "idle", "locking"}
  /\ submitter \in {"out", "locking"}
  /\ calls \in [Call -> {"out", "accepted", "running", "wanting", "ended"}]
  /\ processes \in [Process -> {"unborn", "forked", "forked, locked"}]
  /\ runs \in [Process -> {0} \union Call]
  /\ copies \in [Copy -> {"unborn", "forked", "accepted", "raised", "leaving", "gone"}]
  /\ held \in [Copy -> BOOLEAN]

-----------------------------------------------------------------------------

Init ==
  /\ feeder = "unborn"
  /\ submitter = "out"
  /\ calls = [c \in Call |-> "out"]
  /\ processes = [p \in Process |-> "unborn"]
  /\ runs = [p \in Process |-> 0]
  /\ copies = [u \in Copy |-> "unborn"]
  /\ held = [u \in Copy |-> FALSE]

Parent == <<feeder, submitter>>
Pool == <<calls, processes, runs>>
Users == <<copies, held>>

Forked(p) == IF feeder = "locking" THEN "forked, locked" ELSE "forked"

SubmitLocks ==  \* any thread, to submit what has not been submitted
  /\ submitter = "out" /\ \E c \in Call : calls[c] = "out"
  /\ submitter' = "locking"
  /\ UNCHANGED <<feeder, Pool, Users>>

(* It forks all processes with the first call, when the pool has no thread.  H11: *)
(* it forks one for each call, whatever the feeder does.                          *)
Submit(c) ==
  LET next == IF Defect = "H11" THEN {p \in Process : p = c} ELSE Process
  IN  /\ submitter = "locking"
      /\ calls[c] = "out" /\ \A b \in 1..(c - 1) : calls[b] # "out"
      /\ submitter' = "out"
      /\ calls' = [calls EXCEPT ![c] = "accepted"]
      /\ processes' = [p \in Process |->
                         IF p \in next /\ processes[p] = "unborn" THEN Forked(p) ELSE processes[p]]
      /\ feeder' = IF feeder = "unborn" THEN "idle" ELSE feeder
      /\ UNCHANGED <<runs, Users>>

FeederLocks ==  \* the feeder
  /\ feeder = "idle" /\ feeder' = "locking"
  /\ UNCHANGED <<submitter, Pool, Users>>

FeederUnlocks ==  \* the feeder
  /\ feeder = "locking" /\ feeder' = "idle"
  /\ UNCHANGED <<submitter, Pool, Users>>

Take(p) ==  \* a process
  /\ processes[p] # "unborn" /\ runs[p] = 0
  /\ \E c \in Call :
       /\ calls[c] = "accepted"
       /\ calls' = [calls EXCEPT ![c] = "running"]
       /\ runs' = [runs EXCEPT ![p] = c]
  /\ UNCHANGED <<processes, Parent, Users>>

Want(p) ==  \* a process; its call imports a module, or logs
  /\ runs[p] # 0 /\ calls[runs[p]] = "running"
  /\ calls' = [calls EXCEPT ![runs[p]] = "wanting"]
  /\ UNCHANGED <<processes, runs, Parent, Users>>

Finish(p) ==  \* a process, with the lock of its own that it has
  /\ runs[p] # 0 /\ calls[runs[p]] = "wanting"
  /\ processes[p] = "forked"
  /\ calls' = [calls EXCEPT ![runs[p]] = "ended"]
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ UNCHANGED <<processes, Parent, Users>>

-----------------------------------------------------------------------------

Fork(u) ==  \* a user, in a thread that is in no submit; H17: the lock is copied as it is
  /\ copies[u] = "unborn" /\ feeder # "unborn"
  /\ copies' = [copies EXCEPT ![u] = "forked"]
  /\ held' = [held EXCEPT ![u] = submitter = "locking" /\ Defect = "H17"]
  /\ UNCHANGED <<Parent, Pool>>

(* It sees that the process is another one, and raises.  M15: it counts on threads *)
(* that are not there.                                                             *)
SubmitInCopy(u) ==
  /\ copies[u] = "forked" /\ ~held[u]
  /\ copies' = [copies EXCEPT ![u] = IF Defect = "M15" THEN "accepted" ELSE "raised"]
  /\ UNCHANGED <<held, Parent, Pool>>

Leave(u) ==  \* a user: the copy is to end
  /\ copies[u] \in {"forked", "raised"}
  /\ copies' = [copies EXCEPT ![u] = "leaving"]
  /\ UNCHANGED <<held, Parent, Pool>>

Exit(u) ==  \* at its exit the copy takes the executor's lock, to say that all is over
  /\ copies[u] = "leaving" /\ ~held[u]
  /\ copies' = [copies EXCEPT ![u] = "gone"]
  /\ UNCHANGED <<held, Parent, Pool>>

-----------------------------------------------------------------------------

OfProcess(p) == Take(p) \/ Want(p) \/ Finish(p)

Next ==
  \/ SubmitLocks \/ \E c \in Call : Submit(c)
  \/ FeederLocks \/ FeederUnlocks
  \/ \E p \in Process : OfProcess(p)
  \/ \E u \in Copy : Fork(u) \/ SubmitInCopy(u) \/ Leave(u) \/ Exit(u)

(* Whoever can go on does.  Nobody is obliged to submit, or to fork. *)
Fairness ==
  /\ WF_vars(\E c \in Call : Submit(c)) /\ WF_vars(FeederUnlocks)
  /\ \A p \in Process : WF_vars(OfProcess(p))
  /\ \A u \in Copy : WF_vars(Exit(u))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* In a copy no lock is taken that nobody there lets go of. *)
NoLockIsTakenForEver ==
  /\ \A p \in Process : processes[p] # "forked, locked"
  /\ \A u \in Copy : ~held[u]

-----------------------------------------------------------------------------

(* Every call that was accepted ends. *)
EveryAcceptedCallEnds == \A c \in Call : (calls[c] = "accepted") ~> (calls[c] = "ended")

(* Nothing is accepted in a copy that will not run there. *)
EveryCallInACopyEnds == \A u \in Copy : (copies[u] = "accepted") ~> (copies[u] # "accepted")

(* A copy that is to end does. *)
EveryCopyEnds == \A u \in Copy : (copies[u] = "leaving") ~> (copies[u] = "gone")
=============================================================================
