-------------------------- MODULE StandardReentry ---------------------------
(***************************************************************************)
(* A thread is interrupted, and what comes in (a signal handler, or a      *)
(* finalizer, when garbage is collected) calls submit in that same thread, *)
(* above the frame that it came in upon.  The lock is a plain one.         *)
(* Defect is the old design that is in it, by the museum's number; with    *)
(* "none" nothing can come in while the lock is held.                      *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
  Defect,   \* "M13", or "none"
  Threads,  \* how many threads submit
  Depth     \* how many frames a thread may have above one another

ASSUME
  /\ Defect \in {"none", "M13"}
  /\ {Threads, Depth} \subseteq Nat \ {0}

VARIABLES
  holder,  \* which thread holds the lock, or Nobody
  frames   \* of each thread: its calls of submit, the innermost last: "wanting", "holding", "past"

vars == <<holder, frames>>

Thread == 1..Threads
Nobody == 0

TypeOK ==
  /\ holder \in Nobody..Threads
  /\ \A t \in Thread :
       /\ Len(frames[t]) <= Depth
       /\ \A i \in DOMAIN frames[t] : frames[t][i] \in {"wanting", "holding", "past"}

-----------------------------------------------------------------------------

Top(t) == frames[t][Len(frames[t])]
IsAt(t, where) == frames[t] # <<>> /\ Top(t) = where
Goes(t, where) == frames' = [frames EXCEPT ![t][Len(frames[t])] = where]
Calls(t) == frames' = [frames EXCEPT ![t] = Append(@, "wanting")]

Init == holder = Nobody /\ frames = [t \in Thread |-> <<>>]

Submit(t) ==  \* a thread that is in no submit
  /\ frames[t] = <<>>
  /\ Calls(t)
  /\ UNCHANGED holder

Lock(t) ==  \* a thread
  /\ IsAt(t, "wanting") /\ holder = Nobody
  /\ holder' = t
  /\ Goes(t, "holding")

ComeIn(t) ==  \* a signal, or the garbage collector; M13: also where the lock is held
  /\ frames[t] # <<>> /\ Len(frames[t]) < Depth
  /\ Top(t) # "holding" \/ Defect = "M13"
  /\ Calls(t)
  /\ UNCHANGED holder

Unlock(t) ==  \* a thread; what it does besides is done
  /\ IsAt(t, "holding")
  /\ holder' = Nobody
  /\ Goes(t, "past")

Return(t) ==  \* a thread: to the frame below
  /\ IsAt(t, "past")
  /\ frames' = [frames EXCEPT ![t] = SubSeq(@, 1, Len(@) - 1)]
  /\ UNCHANGED holder

-----------------------------------------------------------------------------

OfThread(t) == Lock(t) \/ Unlock(t) \/ Return(t)

Next == \E t \in Thread : Submit(t) \/ ComeIn(t) \/ OfThread(t)

(* A thread that can go on does.  Nobody is obliged to submit, and nothing to *)
(* come in.                                                                    *)
Fairness == \A t \in Thread : WF_vars(OfThread(t))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* Who holds the lock is in the middle of one submit. *)
LockIsHeldByOne ==
  \A t \in Thread :
    LET holding == {i \in DOMAIN frames[t] : frames[t][i] = "holding"}
    IN  holder = t <=> holding # {}

(* No thread wants what a frame of its own holds. *)
NobodyWaitsForHimself ==
  \A t \in Thread : IsAt(t, "wanting") => holder # t

-----------------------------------------------------------------------------

(* Whoever wants the lock gets it. *)
EveryLockIsFreeInTheEnd == \A t \in Thread : (holder = t) ~> (holder # t)
=============================================================================
