-------------------------- MODULE ClaimTicketsState -------------------------
(***************************************************************************)
(* The Call Q of the process pool in full: what there is, and what can be  *)
(* read from it.  Of each process, procs, runs, taken are its own; lanes   *)
(* and answers are on their way; tickets are shared; all else is the       *)
(* parent's.  Each incarnation of a process has a lane, a ring of slots    *)
(* and tickets of its own, which are gone with it.                         *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Calls,      \* how many calls are submitted
  Processes,  \* how many processes there are
  Depth,      \* how many slots a process has
  Serials,    \* frames are counted from 0 to Serials - 1, and again from 0
  Overtake,   \* by how many later calls a call may be overtaken
  Deaths,     \* how many processes may die for no reason
  Policy,     \* on_process_death: "break" or "replace"
  Requests,   \* what shutdown may ask for: phases
  Cancels,    \* the calls that somebody may cancel
  Poison,     \* the calls whose argument kills the process that unpickles it
  NeverEnds,  \* the calls that need never end
  MayStand,   \* may the parent think at any time that a lane stands still?
  Endless     \* may a call that is settled be submitted again, as a later one?

ASSUME
  /\ {Calls, Processes, Depth, Serials, Overtake, Deaths} \subseteq Nat
  /\ Serials > Depth /\ Serials % Depth = 0
  /\ Policy \in {"break", "replace"}
  /\ Requests \subseteq {"INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING"}
  /\ Cancels \union Poison \union NeverEnds \subseteq 1..Calls
  /\ {MayStand, Endless} \subseteq BOOLEAN

VARIABLES
  phase,    \* how far the end of the executor has come
  places,   \* of each call, as the parent knows it: "OUT", or those of work_item.py
  wheres,   \* where a call is that is IN_SLOT or CLAIMED: process and serial, else Nowhere
  endings,  \* of each call: "", "answered", "cancelled", "blamed", "failed"
  numbers,  \* of the calls, in the order in which they were submitted; 0 if never
  begun,    \* how often a call was claimed
  procs,    \* of each process: "unborn", those of Alive, those of Dead, "ended"
  runs,     \* the call that a process has claimed and not answered in full, else 0
  lanes,    \* the frames that were sent to a process and not yet taken
  taken,    \* the frames in a process' own buffer
  answers,  \* what a process has written and the parent not read
  tickets,  \* the value of each slot's semaphore
  slots,    \* the call in each slot, or one of Free, Won, Answered, Posted
  sent,     \* the serial of the next frame to a process
  due,      \* the serial of the oldest frame that a process has not answered
  watch,    \* of each process, the parent: "off", "on", "told", "draining", "reaping"
  deaths    \* how many processes have died for no reason

calls == <<places, wheres, endings, numbers, begun>>
ofProcess == <<procs, runs, lanes, taken, answers>>
ring == <<tickets, slots, sent, due>>
vars == <<phase, calls, ofProcess, ring, watch, deaths>>

WorkId == 1..Calls
Process == 1..Processes
Slot == 0..(Depth - 1)
Serial == 0..(Serials - 1)

Free == 0       \* the slot is empty
Won == -1       \* the parent has won the ticket back: "dropped" is to come
Answered == -2  \* the answer was read
Posted == -3    \* and the ticket posted
Nowhere == <<0, 0>>

Alive == {"starting", "idle", "claimed", "running", "answering"}
Dead == {"stillborn", "dead", "killed"}
Kinds == {"part", "result", "dropped"}
Settled(w) == places[w] = "SETTLED"
Accepted(w) == places[w] # "OUT"

Phases == <<"OPEN", "INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING", "BROKEN">>
Strength(p) == CHOOSE n \in DOMAIN Phases : Phases[n] = p
RunsQueued == Strength(phase) < Strength("CANCELLING")

Range(seq) == {seq[i] : i \in DOMAIN seq}
Least(S) == CHOOSE n \in S : \A m \in S : n <= m
Greatest(S) == CHOOSE n \in S : \A m \in S : n >= m
SlotOf(n) == n % Depth
After(n) == (n + 1) % Serials

TypeOK ==
  LET Frames == UNION {[1..n -> WorkId] : n \in 0..Depth}
  IN  /\ phase \in Range(Phases)
      /\ places \in [WorkId -> {"OUT", "WAITING", "IN_SLOT", "RECALLED", "CLAIMED", "SETTLED"}]
      /\ wheres \in [WorkId -> (Process \X Serial) \union {Nowhere}]
      /\ \A w \in WorkId : (wheres[w] # Nowhere) <=> (places[w] \in {"IN_SLOT", "CLAIMED"})
      /\ endings \in [WorkId -> {"", "answered", "cancelled", "blamed", "failed"}]
      /\ \A w \in WorkId : (endings[w] # "") <=> Settled(w)
      /\ numbers \in [WorkId -> Nat] /\ begun \in [WorkId -> Nat]
      /\ procs \in [Process -> Alive \union Dead \union {"unborn", "ended"}]
      /\ runs \in [Process -> {0} \union WorkId]
      /\ lanes \in [Process -> Frames] /\ taken \in [Process -> Frames]
      /\ \A p \in Process : \A a \in Range(answers[p]) :
           a.serial \in Serial /\ a.call \in WorkId /\ a.kind \in Kinds
      /\ tickets \in [Process -> [Slot -> Nat]]
      /\ slots \in [Process -> [Slot -> {Free, Won, Answered, Posted} \union WorkId]]
      /\ sent \in [Process -> Serial] /\ due \in [Process -> Serial]
      /\ watch \in [Process -> {"off", "on", "told", "draining", "reaping"}]
      /\ deaths \in 0..Deaths

-----------------------------------------------------------------------------
(* What the parent and the processes see. *)

(* Work Ids, oldest first: those that wait are younger than those recalled. *)
WorkIds == {w \in WorkId : places[w] \in {"WAITING", "RECALLED"}}
Oldest(S) == CHOOSE w \in S : \A v \in S : numbers[w] <= numbers[v]

(* The serials that a process has not answered, oldest first. *)
Unanswered(p) == (sent[p] + Serials - due[p]) % Serials
SlotAt(p, i) == SlotOf((due[p] + i) % Serials)
CallAt(p, i) == slots[p][SlotAt(p, i)]

Pending == {w \in WorkId : Accepted(w) /\ ~Settled(w)}

(* Where a call is that is IN_SLOT or CLAIMED, and the value of its ticket. *)
Holder(w) == wheres[w][1]
SlotWith(w) == SlotOf(wheres[w][2])
Ticket(w) == tickets[Holder(w)][SlotWith(w)]
Position(w) == (wheres[w][2] + Serials - due[Holder(w)]) % Serials

(* The calls of a lane that have another one before them. *)
Movable(p) ==
  LET within == {w \in WorkId : Holder(w) = p}
  IN  {w \in within : places[w] = "IN_SLOT" /\ \E v \in within : Position(v) < Position(w)}

Watched(p) == watch[p] = "on"
Idle(p) == Watched(p) /\ Unanswered(p) = 0 /\ \A s \in Slot : slots[p][s] = Free

(* A call whose answer was read; it is ended once its slot is free. *)
Ending(w) ==
  /\ places[w] = "CLAIMED" /\ watch[Holder(w)] # "reaping"
  /\ slots[Holder(w)][SlotWith(w)] # w

(* The local worker has done with one answer before it takes up anything else. *)
Busy ==
  \/ \E p \in Process, s \in Slot : slots[p][s] \in {Answered, Posted}
  \/ \E w \in WorkId : Ending(w)

(* A process counts the frames, too: the serial of the oldest in its buffer. *)
NextSerial(p) == (sent[p] + 2 * Serials - Len(lanes[p]) - Len(taken[p])) % Serials

-----------------------------------------------------------------------------

Fresh ==  \* of a process that does not exist
  [tickets |-> [s \in Slot |-> 1], slots |-> [s \in Slot |-> Free]]

Init ==
  /\ phase = "OPEN"
  /\ places = [w \in WorkId |-> "OUT"] /\ wheres = [w \in WorkId |-> Nowhere]
  /\ endings = [w \in WorkId |-> ""] /\ numbers = [w \in WorkId |-> 0]
  /\ begun = [w \in WorkId |-> 0]
  /\ procs = [p \in Process |-> "unborn"] /\ runs = [p \in Process |-> 0]
  /\ lanes = [p \in Process |-> <<>>] /\ taken = [p \in Process |-> <<>>]
  /\ answers = [p \in Process |-> <<>>]
  /\ tickets = [p \in Process |-> Fresh.tickets] /\ slots = [p \in Process |-> Fresh.slots]
  /\ sent = [p \in Process |-> 0] /\ due = [p \in Process |-> 0]
  /\ watch = [p \in Process |-> "off"]
  /\ deaths = 0

Goes(p, where) == procs' = [procs EXCEPT ![p] = where]
Sees(p, what) == watch' = [watch EXCEPT ![p] = what]
Put(p, s, what) == slots' = [slots EXCEPT ![p][s] = what]
Take(p, s) == tickets' = [tickets EXCEPT ![p][s] = 0]
Goto(w, place) ==  \* not into a slot
  /\ places' = [places EXCEPT ![w] = place]
  /\ wheres' = [wheres EXCEPT ![w] = IF place = "CLAIMED" THEN @ ELSE Nowhere]
Ends(w, how) == Goto(w, "SETTLED") /\ endings' = [endings EXCEPT ![w] = how]
=============================================================================
