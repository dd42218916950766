------------------------------ MODULE WaitingH5 -----------------------------
(***************************************************************************)
(* H5: a waiter for ALL_COMPLETED that counts down instead of looking at   *)
(* what was noted.  Two futures that end at the same time read the same    *)
(* count, both write that count less one, and one decrement is lost.       *)
(***************************************************************************)
EXTENDS MCWaiting

VARIABLES
  count,  \* how many endings each waiter believes are to come
  read    \* the count that each future has read and not yet written back

varsH5 == <<vars, count, read>>

InitH5 ==
  /\ Init
  /\ count = [c \in Caller |-> Len(Visits[c])]
  /\ read = [f \in Future |-> 0]

InstallH5(c) ==  \* the caller, as in Install; it counts what has ended already
  /\ Install(c)
  /\ count' = [count EXCEPT ![c] = IF futures[Visits[c][at[c]]] = "pending" THEN @ ELSE @ - 1]
  /\ UNCHANGED read

ReadCount(f) ==  \* who ended the future
  /\ Note(f)
  /\ read' = [read EXCEPT ![f] = count[Head(telling[f])]]
  /\ UNCHANGED count

WriteCount(f) ==  \* who ended the future: the gate opens at nought
  LET c == Head(telling[f])
  IN  /\ telling[f] # <<>> /\ noted[f]
      /\ count' = [count EXCEPT ![c] = read[f] - 1]
      /\ OpenIf(c, read[f] = 1)
      /\ telling' = [telling EXCEPT ![f] = Tail(@)]
      /\ noted' = [noted EXCEPT ![f] = FALSE]
      /\ UNCHANGED <<futures, installed, callers, at, told, yielded, why, read>>

CallerGoesOn(c) ==  \* Call, Pass and Remove as they are; nobody gives up
  (Call(c) \/ Pass(c) \/ Remove(c)) /\ UNCHANGED <<count, read>>

EndH5(f, ending) ==  \* End as it is
  End(f, ending) /\ UNCHANGED <<count, read>>

NextH5 ==
  \/ \E f \in Future : ReadCount(f) \/ WriteCount(f)
  \/ \E c \in Caller : InstallH5(c) \/ CallerGoesOn(c)
  \/ \E f \in Future, ending \in Endings : EndH5(f, ending)

(* Even if everybody goes on, futures and all, somebody may wait for ever. *)
SpecH5 == InitH5 /\ [][NextH5]_varsH5 /\ WF_varsH5(NextH5)
=============================================================================
