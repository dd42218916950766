---------------------------- MODULE WaitingMuseum ---------------------------
(***************************************************************************)
(* Old designs of waiting.  A configuration puts one of them in the place  *)
(* of a definition of Waiting; the museum's number is in its name.         *)
(***************************************************************************)
EXTENDS MCWaiting

(* H6: a caller removes its waiter from the very list that a future goes     *)
(* through by index, without its lock: what was to come next moves up one    *)
(* place and is skipped.  In the place of Remove.                            *)
RemoveUnlocked(c) ==
  LET Other(waiter) == waiter # c
      f == Visits[c][at[c]]
      now == Head(telling[f])          \* the waiter that is being told
      next == Tail(telling[f])         \* those after the index
      passed == c \in Range(installed[f]) /\ c \notin Range(next)
      left == IF passed /\ next # <<>> THEN Tail(next) ELSE SelectSeq(next, Other)
  IN  /\ callers[c] = "removing"
      /\ installed' = [installed EXCEPT ![f] = SelectSeq(@, Other)]
      /\ telling' = [telling EXCEPT ![f] = IF noted[f] THEN <<now>> \o left ELSE @]
      /\ Visit(c, "back")
      /\ UNCHANGED <<futures, noted, told, gates, yielded, why>>

-----------------------------------------------------------------------------

(* H8: how many are unfinished is counted over the names, though one may be *)
(* named twice and is noted once.  In the place of Unfinished.              *)
UnfinishedNames(c, seen) == Len(Names[c]) - Len(seen)

(* H8, the other half: a future that is named twice is visited twice.  In the *)
(* place of Visits.                                                           *)
EveryName == [c \in Caller |-> Names[c]]

-----------------------------------------------------------------------------

(* M18: who is interrupted leaves its waiter behind.  In the place of GiveUp. *)
GiveUpAndLeave(c) ==
  /\ callers[c] = "blocked"
  /\ callers' = [callers EXCEPT ![c] = "back"]
  /\ why' = [why EXCEPT ![c] = "timeout"]
  /\ UNCHANGED <<futures, installed, telling, noted, at, told, gates, yielded>>
=============================================================================
