-------------------------------- MODULE Map ---------------------------------
(***************************************************************************)
(* Executor.map while its executor may end.  The iterator keeps at most    *)
(* BufferSize calls submitted and not yet yielded.  What it cannot submit, *)
(* because the executor was shut down or the input raised, it remembers:   *)
(* what was submitted before is yielded first, then that error is raised.  *)
(* Mirrors spec/map_model.py.                                              *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
  Items,       \* how many items the input has
  BufferSize,  \* how many calls may be submitted and not yet yielded
  FailsAt      \* the item at which the input raises, or 0

ASSUME {Items, BufferSize, FailsAt} \subseteq Nat /\ BufferSize > 0

VARIABLES
  phase,     \* of the executor
  held,      \* does anybody but the iterator still hold the executor?
  items,     \* "unread", "pending", "result", "exception", "cancelled"
  yielded,   \* how many results were yielded
  iterator,  \* "filling", "waiting", "ended", "raised"
  trouble    \* "", or why no more can be submitted: "input", "refused"

vars == <<phase, held, items, yielded, iterator, trouble>>

Item == 1..Items

TypeOK ==
  /\ phase \in {"OPEN", "SHUTTING_DOWN", "CANCELLING"}
  /\ held \in BOOLEAN
  /\ items \in [Item -> {"unread", "pending", "result", "exception", "cancelled"}]
  /\ yielded \in 0..Items
  /\ iterator \in {"filling", "waiting", "ended", "raised"}
  /\ trouble \in {"", "input", "refused"}

-----------------------------------------------------------------------------

(* Items are submitted in order, so that the last one submitted counts them. *)
Submitted ==
  CHOOSE n \in 0..Items : \A i \in Item : (items[i] # "unread") <=> (i <= n)

Head == IF yielded < Items THEN items[yielded + 1] ELSE "unread"

Cancelled == [i \in Item |-> IF items[i] = "pending" THEN "cancelled" ELSE items[i]]

Init ==
  /\ phase = "OPEN"
  /\ held = TRUE
  /\ items = [i \in Item |-> "unread"]
  /\ yielded = 0
  /\ iterator = "filling"
  /\ trouble = ""

-----------------------------------------------------------------------------

Fill ==  \* the iterator submits the next item, or finds that it need not or cannot
  /\ iterator = "filling"
  /\ CASE trouble # "" \/ Submitted = Items \/ Submitted - yielded = BufferSize ->
            iterator' = "waiting" /\ UNCHANGED <<items, trouble>>
       [] OTHER ->
            /\ CASE FailsAt = Submitted + 1 -> trouble' = "input" /\ UNCHANGED items
                 [] FailsAt # Submitted + 1 /\ phase # "OPEN" ->
                      trouble' = "refused" /\ UNCHANGED items
                 [] OTHER ->
                      items' = [items EXCEPT ![Submitted + 1] = "pending"] /\ UNCHANGED trouble
            /\ UNCHANGED iterator
  /\ UNCHANGED <<phase, held, yielded>>

Next ==  \* the iterator yields the oldest result, raises, or ends
  /\ iterator = "waiting"
  /\ CASE Head = "result" ->
            iterator' = "filling" /\ yielded' = yielded + 1 /\ UNCHANGED items
       [] Head = "unread" ->
            /\ iterator' = IF trouble = "" THEN "ended" ELSE "raised"
            /\ UNCHANGED <<items, yielded>>
       [] Head \in {"exception", "cancelled"} ->
            iterator' = "raised" /\ items' = Cancelled /\ UNCHANGED yielded
       [] Head = "pending" -> FALSE
  /\ UNCHANGED <<phase, held, trouble>>

Return(i) ==  \* a thread of the executor
  /\ items[i] = "pending"
  /\ items' = [items EXCEPT ![i] = "result"]
  /\ UNCHANGED <<phase, held, yielded, iterator, trouble>>

Raise(i) ==  \* a thread of the executor
  /\ items[i] = "pending"
  /\ items' = [items EXCEPT ![i] = "exception"]
  /\ UNCHANGED <<phase, held, yielded, iterator, trouble>>

Shutdown ==  \* anybody who holds the executor
  /\ held
  /\ phase = "OPEN"
  /\ phase' = "SHUTTING_DOWN"
  /\ UNCHANGED <<held, items, yielded, iterator, trouble>>

ShutdownCancelFutures ==  \* anybody who holds the executor
  /\ held
  /\ phase \in {"OPEN", "SHUTTING_DOWN"}
  /\ phase' = "CANCELLING"
  /\ items' = Cancelled
  /\ UNCHANGED <<held, yielded, iterator, trouble>>

Release ==  \* everybody but the iterator lets go of the executor
  /\ held
  /\ held' = FALSE
  /\ UNCHANGED <<phase, items, yielded, iterator, trouble>>

-----------------------------------------------------------------------------

Iterator == Fill \/ Next
Threads == \E i \in Item : Return(i) \/ Raise(i)
Holders == Shutdown \/ ShutdownCancelFutures \/ Release

(* What other modules call Next: here that is the name of an action. *)
Steps == Iterator \/ Threads \/ Holders

(* The iterator is asked again and again, and every call ends.  Nobody is *)
(* obliged to shut the executor down or to let go of it.                  *)
Fairness ==
  /\ WF_vars(Iterator)
  /\ \A i \in Item : WF_vars(Return(i) \/ Raise(i))

Spec == Init /\ [][Steps]_vars /\ Fairness

-----------------------------------------------------------------------------

(* An iterator that ends without raising has yielded everything. *)
YieldsAllOrRaises == iterator = "ended" => yielded = Items

(* No more than BufferSize calls are submitted and not yet yielded. *)
BufferIsBounded == Submitted - yielded <= BufferSize

(* What was yielded is the results of the first items. *)
YieldsInOrder == \A i \in 1..yielded : items[i] = "result"

(* An iterator that has raised or ended leaves no call behind that has not ended. *)
NothingStranded ==
  iterator \in {"raised", "ended"} => \A i \in Item : items[i] # "pending"

-----------------------------------------------------------------------------

(* Who keeps asking comes to the end, or to an error. *)
IteratorEnds == <>(iterator \in {"ended", "raised"})
=============================================================================
